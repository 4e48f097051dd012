#if REHEARSAL

    /// A session that ends the process: for the rehearsal of what becomes of the others. Only in a build that was made for it
    /// (`make build-rehearsal`); the programs that people install do not contain it.
    struct PlantedTrap {
        /// Page loads whose sessions do it.
        static let prefix = "poison-"
        /// A second of sound.
        static let frames = 50

        private var heard = 0

        /// At every audio frame of the participant; `client` is the page load's id. Counted anew by whoever takes the session.
        mutating func heardFrame(from client: String) {
            guard client.hasPrefix(Self.prefix) else { return }
            heard += 1
            precondition(heard < Self.frames, "planted for a rehearsal")
        }
    }

#endif
