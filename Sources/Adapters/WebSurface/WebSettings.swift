/// What the web surface is told by whoever assembles it.
package struct WebSettings: Sendable {
    package var host: String
    /// 0: any free one.
    package var port: Int
    /// `http(s)://host[:port]` as participants reach this surface; nil: `http://` and the bound address.
    package var publicURL: String?
    /// `ws(s)://host[:port]` as participants reach the media port.
    package var mediaURL: String
    /// True in `voiced dev` only: REST needs no key and `/` is the start page. Then only this machine's names are
    /// accepted as `Host`, or a foreign page could reach us through a name that resolves to 127.0.0.1.
    package var open: Bool
    /// Scopes of a presented API key; nil: no such key.
    package var authorize: @Sendable (_ presentedKey: String) async -> Set<String>?
    /// How long a session waits for its participant when the request does not say.
    package var noShow: Duration
    /// The configured limits; with them a join token lives as long as its session can.
    package var hardLimit: Duration
    package var rejoinWindow: Duration
    /// Serve the page from this folder instead of from the program, to change it without building.
    package var pageFolder: String?

    package init(
        host: String, port: Int, publicURL: String?, mediaURL: String, open: Bool,
        authorize: @escaping @Sendable (_ presentedKey: String) async -> Set<String>?, noShow: Duration,
        hardLimit: Duration, rejoinWindow: Duration, pageFolder: String? = nil
    ) {
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.mediaURL = mediaURL
        self.open = open
        self.authorize = authorize
        self.noShow = noShow
        self.hardLimit = hardLimit
        self.rejoinWindow = rejoinWindow
        self.pageFolder = pageFolder
    }
}

/// Scopes of API keys.
enum APIScope: String {
    case createSessions = "sessions:create"
    case readSessions = "sessions:read"
    case writeStudies = "studies:write"
}
