/// What is wrong with the secrets or keys that this process was given. Never carries any of them.
package enum AccessError: Error, Sendable, Hashable, CustomStringConvertible {
    case noSecret
    /// `position` counts from 1.
    case secretTooShort(position: Int, bytes: Int)
    case tooManySecrets(Int)
    /// The secret's file cannot be made or read; POSIX name or a word.
    case secretFile(code: String)
    /// The file's mode lets others read it.
    case secretFileOpenToOthers
    /// `position` counts from 1.
    case apiKey(position: Int, ApiKeyProblem)

    package enum ApiKeyProblem: String, Sendable, Hashable {
        case malformed
        case badName = "bad_name"
        case badHash = "bad_hash"
        case unknownScope = "unknown_scope"
        case nameTwice = "name_twice"
        case tooMany = "too_many"
    }

    package var description: String {
        switch self {
        case .noSecret:
            "no token secret is set: set VOICED_TOKEN_SECRET to at least \(TokenSecrets.shortest) random bytes"
        case .secretTooShort(let position, let bytes):
            """
            token secret \(position) has \(bytes) bytes, \(TokenSecrets.shortest) are the least: make one with \
            `openssl rand -base64 32`
            """
        case .tooManySecrets(let count):
            "\(count) token secrets are set, \(TokenSecrets.most) are the most: take away the oldest"
        case .secretFile(let code):
            "the token secret's file cannot be made or read (\(code)): check the state folder's owner and space"
        case .secretFileOpenToOthers:
            "the token secret's file can be read by others: chmod 600 it, and replace the secret if others have read it"
        case .apiKey(let position, let problem):
            "API key \(position) is refused (\(problem.rawValue)): write name:sha256 or name:sha256:scope+scope"
        }
    }
}
