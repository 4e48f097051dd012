/// The build, as `--version`, `voicectl status` and `voice_build_info` tell it.
package enum BuildVersion {
    package static let text = "0.1.0"
}
