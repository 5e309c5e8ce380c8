/*
 * What all flows of one attempt at a capture are looked at by.
 */
#ifndef TAPLINE_CLASSIFIER_RULES_H
#define TAPLINE_CLASSIFIER_RULES_H

#include "common/wire/capture.h"
#include "stages/classifier/profile.h"
#include "stages/classifier/stun_texts.h"

struct rules {
    struct limits limits;
    struct profile *profile;
    struct stun_texts *stun_texts;
};

#endif
