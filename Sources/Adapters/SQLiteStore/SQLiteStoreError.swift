/// Why a store could not be opened. What goes wrong later is a `StoreError`.
package enum SQLiteStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `name` of the file system: `nfs`, `cifs`, `fuse` …
    case networkFileSystem(name: String)
    /// The folder cannot be made or used; POSIX name or number.
    case folder(code: String)
    /// The file cannot be made, or is no plain file.
    case file(code: String)
    /// SQLite refuses the file; its own code.
    case database(code: String)

    package var description: String {
        switch self {
        case .networkFileSystem(let name):
            """
            the store's folder is on a network file system (\(name)), where SQLite's locks do not hold and a \
            conversation could be lost: put the state folder on a local disk, or use PostgreSQL for several hosts
            """
        case .folder(let code):
            "the store's folder cannot be made or used (\(code)): check its path, owner and permissions"
        case .file(let code):
            "the store's file cannot be made or used (\(code)): check that it is a plain file of this user's"
        case .database(let code):
            """
            SQLite cannot open the store (\(code)): SQLITE_BUSY means that another process holds it, SQLITE_NOTADB or \
            SQLITE_CORRUPT that the file is damaged or something else
            """
        }
    }
}
