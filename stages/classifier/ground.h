/*
 * What all flows of one attempt at a capture share: what they are looked at by, and what makes
 * that quick.
 */
#ifndef TAPLINE_CLASSIFIER_GROUND_H
#define TAPLINE_CLASSIFIER_GROUND_H

#include "common/base/spares.h"
#include "common/wire/capture.h"
#include "stages/classifier/profile.h"
#include "stages/classifier/stun_texts.h"

struct ground {
    struct limits limits;
    struct profile *profile;
    struct stun_texts *stun_texts;
    struct spares holdings; /* struct holding (holding.h) */
};

#endif
