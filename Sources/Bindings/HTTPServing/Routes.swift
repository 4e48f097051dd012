import HTTPTypes
import Hummingbird
import Logging

/// The addresses of one listener. Hummingbird answers 404 to a known path with an unknown method; here every path
/// answers 405 with `Allow` to the methods that it was not given, and HEAD wherever there is GET.
package struct Routes {
    private let router: Router<SurfaceContext>
    private static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    package init(logger: Logger) {
        router = Router(context: SurfaceContext.self)
        router.add(middleware: ErrorAnswers(logger: logger))
    }

    /// Adds `middleware` to the paths that are added after it.
    package func with(_ middleware: some RouterMiddleware<SurfaceContext>) { router.add(middleware: middleware) }

    package func at(_ path: String, _ handlers: [HTTPRequest.Method: Handler]) {
        let pattern = RouterPath(path)
        var allowed = Self.methods.filter { handlers[$0] != nil }
        if let get = handlers[.get], handlers[.head] == nil {
            allowed.insert(.head, at: min(1, allowed.count))
            router.on(pattern, method: .head) { request, context in
                try await get(request, context).createHeadResponse()
            }
        }
        let names = allowed.map(\.rawValue)
        for method in Self.methods {
            if let handler = handlers[method] {
                router.on(pattern, method: method, use: handler)
            } else if !allowed.contains(method) {
                router.on(pattern, method: method) { _, _ -> Response in
                    throw APIError(
                        405, "method_not_allowed", "This address knows \(names.joined(separator: ", ")).", allow: names)
                }
            }
        }
    }

    func build() -> RouterResponder<SurfaceContext> { router.buildResponder() }
}
