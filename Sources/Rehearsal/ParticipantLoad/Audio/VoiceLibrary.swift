import Foundation

/// Recorded human voices that Debian packages bring (`asterisk-core-sounds-{en,es,fr,it,ru}-wav`, `alsa-utils`).
package enum VoiceLibrary {
    /// By language; the packages' folders.
    package static let folders: [(language: String, path: String)] = [
        ("en", "/usr/share/asterisk/sounds/en_US_f_Allison"),
        ("es", "/usr/share/asterisk/sounds/es_MX_f_Allison"),
        ("fr", "/usr/share/asterisk/sounds/fr_CA_f_June"),
        ("it", "/usr/share/asterisk/sounds/it_IT_m_Carlo"),
        ("ru", "/usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU"),
    ]
    package static let alsaFolder = "/usr/share/sounds/alsa"

    /// Prompts of the asterisk packages that are whole sentences of 2 to 9 s in every language.
    private static let sentences = [
        "vm-rec-busy", "vm-rec-name", "vm-rec-unv", "vm-review", "conf-getpin", "conf-onlyperson", "privacy-unident",
        "demo-nomatch", "demo-thanks", "vm-nobodyavail", "invalid", "ss-noservice", "tt-weasels", "vm-theperson",
    ]
    /// `Noise.wav` is none.
    private static let alsaPhrases = ["Front_Center", "Front_Left", "Rear_Right", "Side_Left"]

    /// Paths of what is installed, `languages` in their order, alsa's phrases last. Empty when nothing is.
    package static func installed(languages: [String] = ["en", "es", "fr"]) -> [String] {
        let manager = FileManager.default
        let spoken = languages.flatMap { language in
            folders.filter { $0.language == language }.flatMap { folder in
                sentences.map { "\(folder.path)/\($0).wav" }
            }
        }
        let phrases = alsaPhrases.map { "\(alsaFolder)/\($0).wav" }
        return (spoken + phrases).filter(manager.fileExists(atPath:))
    }

    package static func load(_ paths: [String]) throws(ParticipantLoadError) -> [(name: String, wave: WaveFile)] {
        var loaded: [(name: String, wave: WaveFile)] = []
        for path in paths {
            loaded.append((URL(fileURLWithPath: path).lastPathComponent, try WaveFile(path: path)))
        }
        return loaded
    }
}
