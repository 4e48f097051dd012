#ifndef VOICED_COPUS_SHIM_H
#define VOICED_COPUS_SHIM_H

#include <opus/opus.h>

// opus_encoder_ctl and opus_decoder_ctl are variadic, which Swift does not import: one typed door each for setting,
// asking and resetting.

static inline int copus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value) {
    return opus_encoder_ctl(encoder, request, value);
}

static inline int copus_encoder_get(OpusEncoder *encoder, int request, opus_int32 *value) {
    return opus_encoder_ctl(encoder, request, value);
}

static inline int copus_encoder_final_range(OpusEncoder *encoder, opus_uint32 *value) {
    return opus_encoder_ctl(encoder, OPUS_GET_FINAL_RANGE(value));
}

static inline int copus_encoder_reset(OpusEncoder *encoder) {
    return opus_encoder_ctl(encoder, OPUS_RESET_STATE);
}

static inline int copus_decoder_final_range(OpusDecoder *decoder, opus_uint32 *value) {
    return opus_decoder_ctl(decoder, OPUS_GET_FINAL_RANGE(value));
}

static inline int copus_decoder_reset(OpusDecoder *decoder) {
    return opus_decoder_ctl(decoder, OPUS_RESET_STATE);
}

#endif
