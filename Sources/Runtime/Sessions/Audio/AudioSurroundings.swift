import Ports

/// What the two audio paths need of their session while they handle one frame.
struct AudioSurroundings {
    var provider: (any ProviderConnection)?
    var recorder: (any Recorder)?
    var probe: (any FramePathProbe)?
    var loop: Int
}
