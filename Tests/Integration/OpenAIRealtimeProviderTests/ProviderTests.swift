import Testing

/// Loops, sockets and an espeak-ng process each: one after the other, so that two cores suffice.
@Suite(.serialized, .timeLimit(.minutes(3)))
enum ProviderTests {}
