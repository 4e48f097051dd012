import HTTPServing
import HTTPTypes
import Hummingbird
import InterviewCore
import Ports
import WireFormats

/// `/v1/studies`: list, read, create or replace; and what of its budget is used.
struct StudyRoutes: Sendable {
    let door: Door
    let store: any Store

    /// Bytes: instructions of 32 KiB, escaped, and the rest.
    static let longestBody = 262_144

    func add(to routes: Routes) {
        routes.at(
            "/v1/studies",
            [
                .get: { request, _ in
                    try await door.admit(request, .readSessions)
                    return try Answer.json(
                        StudyList(studies: try await stored { () throws(StoreError) in try await store.studies() }))
                }
            ])
        routes.at(
            "/v1/studies/:id",
            [
                .get: { request, context in
                    try await door.admit(request, .readSessions)
                    let id = try studyID(context)
                    guard let study = try await stored({ () throws(StoreError) in try await store.study(id) }) else {
                        throw Self.unknown
                    }
                    return try Answer.json(study)
                },
                .put: { request, context in
                    try await door.admit(request, .writeStudies)
                    return try await replace(request, studyID(context))
                },
            ])
        routes.at(
            "/v1/studies/:id/budget",
            [
                .get: { request, context in
                    try await door.admit(request, .readSessions)
                    return try await budget(studyID(context))
                }
            ])
    }

    private func budget(_ id: StudyID) async throws -> Response {
        guard let ledger = try await stored({ () throws(StoreError) in try await store.ledger(of: id) }) else {
            throw Self.unknown
        }
        return try Answer.json(
            StudyBudgetDocument(
                study: id, capMicros: ledger.capMicros, spentMicros: ledger.spentMicros,
                reservedMicros: ledger.reservedMicros, debtMicros: ledger.debtMicros))
    }

    private static let unknown = APIError(
        404, "unknown_study", "There is no such study. GET /v1/studies lists them.")

    private func studyID(_ context: SurfaceContext) throws -> StudyID {
        guard let id = context.parameters.get("id").flatMap({ StudyID($0) }) else {
            throw APIError(404, "unknown_study", "An id has 1 to 64 characters of A-Z a-z 0-9 _ -.")
        }
        return id
    }

    private func replace(_ request: Request, _ id: StudyID) async throws -> Response {
        let document = try await request.json(StudyDocument.self, limit: Self.longestBody)
        let study: Study
        do {
            study = try document.study(expected: id)
        } catch {
            let message = error.all.map(\.message).joined(separator: "; ")
            throw APIError(400, "invalid_field", message, field: error.all.first?.field)
        }
        try await stored { () throws(StoreError) in try await store.save(study) }
        return try Answer.json(study)
    }
}
