/// Turns what the library says about a failed connect into a code. Its callback names neither an errno nor a
/// certificate's fault ("SSL err 1"); the fault stands only in the error line that it logs just before.
enum ConnectFailure {
    static func code(_ text: String, lastError: String?) -> String {
        if let number = number(after: "connect SYSCALL ", in: text) {
            // Zero: the peer hung up in the middle, as one does that does not speak TLS.
            return number == 0 ? "tls: handshake" : errnoName(number)
        }
        if text.hasPrefix("connect SSL") || text.hasPrefix("connect unk") || text.hasPrefix("server's cert")
            || text.hasPrefix("Timed out waiting SSL") || text.hasPrefix("bio_create")
        {
            return "tls: " + tlsClass(lastError ?? text)
        }
        if text.hasPrefix("HS:") || text.hasPrefix("problems parsing") || text.hasPrefix("ws protocol") {
            return "protocol"
        }
        if text.hasPrefix("Peer hung up") || text.hasPrefix("read failed") || text.hasPrefix("closed before")
            || text.hasPrefix("Closed before")
        {
            return "ECONNRESET"
        }
        return "connect"
    }

    /// By the number of OpenSSL's verification (`X509_V_ERR_…`, x509_vfy.h): the texts change between versions.
    private static func tlsClass(_ line: String) -> String {
        switch number(after: "err=", in: line) ?? number(after: "X509_V_ERR = ", in: line) {
        case 9?, 10?: "expired"
        case 2?, 18?, 19?, 20?, 21?, 27?: "untrusted"
        case 62?, 64?: "hostname"
        case .some: "verify"
        case nil: "handshake"
        }
    }

    private static func number(after prefix: String, in text: String) -> Int? {
        guard let range = text.firstRange(of: prefix) else { return nil }
        return Int(text[range.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    private static func errnoName(_ number: Int) -> String {
        switch number {
        case 32: "EPIPE"
        case 104: "ECONNRESET"
        case 110: "ETIMEDOUT"
        case 111: "ECONNREFUSED"
        case 113: "EHOSTUNREACH"
        default: "errno \(number)"
        }
    }
}
