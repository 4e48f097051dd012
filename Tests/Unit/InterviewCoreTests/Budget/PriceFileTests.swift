import Foundation
import InterviewCore
import Testing

@Suite("PriceFile")
struct PriceFileTests {
    private static func book(_ entry: String) throws -> PriceBook {
        let json = #"{"models":{"m":{"source":"https://example.org","checked":"2026-11-22"\#(entry)}}}"#
        return try JSONDecoder().decode(PriceFile.self, from: Data(json.utf8)).book()
    }

    @Test("stated prices are taken as they stand")
    func stated() throws {
        let price = try Self.book(
            #","text_in":1,"cached_text_in":2,"audio_in":3,"cached_audio_in":4,"image_in":5,"cached_image_in":6,"#
                + #""text_out":7,"audio_out":8,"per_minute":9,"note":"a note""#
        ).price(of: "m")
        #expect(
            price
                == Price(
                    textIn: 1, cachedTextIn: 2, audioIn: 3, cachedAudioIn: 4, imageIn: 5, cachedImageIn: 6, textOut: 7,
                    audioOut: 8, perMinute: 9))
    }

    @Test("what is not stated is completed upwards")
    func completed() throws {
        let price = try Self.book(#","text_in":2500000,"audio_in":6000000,"text_out":10000000"#).price(of: "m")
        #expect(
            price
                == Price(
                    textIn: 2_500_000, cachedTextIn: 2_500_000, audioIn: 6_000_000, cachedAudioIn: 6_000_000,
                    imageIn: 6_000_000, cachedImageIn: 6_000_000, textOut: 10_000_000, audioOut: 10_000_000,
                    perMinute: 3_600))
    }

    @Test("a model billed by time charges tokens at ten a second")
    func time() throws {
        let price = try Self.book(#","per_minute":6000"#).price(of: "m")
        #expect(price.cost(of: Usage(milliseconds: 60_000)) == 6_000)
        #expect(price.cost(of: Usage(audioIn: 600)) == 6_000)
        #expect(price.cost(of: Usage(textIn: 1, textOut: 1)) == 20)
    }

    @Test(
        "a price that is missing or out of range names model and field",
        arguments: [
            ("", "text_in"), (#","audio_in":1"#, "text_in"), (#","text_in":1,"text_out":1"#, "audio_in"),
            (#","text_in":1,"audio_in":1"#, "text_out"), (#","per_minute":-1"#, "per_minute"),
            (#","text_in":1,"audio_in":1,"text_out":1000000001"#, "text_out"),
            (#","text_in":1,"audio_in":1,"text_out":1,"cached_audio_in":-4"#, "cached_audio_in"),
        ])
    func bad(entry: String, field: String) {
        #expect(throws: BudgetError.badPrice(model: "m", field: field)) { try Self.book(entry) }
    }

    @Test(
        "a name that is not known is refused: a slip of the pen makes nothing free",
        arguments: [
            #","text_in":1,"audio_in":1,"text_out":1,"cached_text":1"#, #","per_minutes":1"#, #","text_in":"four""#,
            #","text_in":4.5"#,
        ])
    func slips(entry: String) {
        #expect(throws: DecodingError.self) { try Self.book(entry) }
    }

    @Test("a price file comes back from its own writing")
    func roundTrip() throws {
        var entry = PriceFile.Entry(source: "https://example.org", checked: "2026-11-22")
        entry.perMinute = 17_000
        let file = PriceFile(models: ["m": entry])
        #expect(try JSONDecoder().decode(PriceFile.self, from: JSONEncoder().encode(file)) == file)
    }
}
