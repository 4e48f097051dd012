import Hummingbird
import Logging

/// Outermost: turns whatever a handler throws into our error body and notes each request at debug level, with the
/// route's pattern instead of the path and nothing of headers or body: paths hold ids, bodies hold speech.
struct ErrorAnswers: RouterMiddleware {
    typealias Context = SurfaceContext
    let logger: Logger

    func handle(
        _ request: Request, context: SurfaceContext, next: (Request, SurfaceContext) async throws -> Response
    ) async throws -> Response {
        let begun = ContinuousClock.now
        let response = await answer(request, context, next)
        let spent = (ContinuousClock.now - begun) / Duration.milliseconds(1)
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "route": "\(context.endpointPath ?? "none")",
                "status": "\(response.status.code)", "ms": "\(Int(spent.rounded()))",
            ])
        return response
    }

    private func answer(
        _ request: Request, _ context: SurfaceContext, _ next: (Request, SurfaceContext) async throws -> Response
    ) async -> Response {
        do {
            return try await next(request, context)
        } catch let error as APIError {
            return Answer.error(error)
        } catch let error as any HTTPResponseError {
            return Answer.error(Self.translated(error.status.code))
        } catch {
            logger.error(
                "a request failed",
                metadata: ["route": "\(context.endpointPath ?? "none")", "error": "\(type(of: error))"])
            return Answer.error(APIError(500, "internal", "voiced failed to answer; its log says where."))
        }
    }

    private static func translated(_ status: Int) -> APIError {
        switch status {
        case 404: .notFound
        case 413: .tooLarge
        default: APIError(status, "bad_request", "The request cannot be understood.")
        }
    }
}
