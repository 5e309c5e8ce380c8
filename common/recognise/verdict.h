/*
 * What a recogniser says of the first bytes of something. Recognisers look, keep nothing and
 * allocate nothing; two stages ask the same one, so that they cannot disagree.
 */
#ifndef TAPLINE_COMMON_VERDICT_H
#define TAPLINE_COMMON_VERDICT_H

enum verdict {
    VERDICT_NO,   /* it is not that, whatever follows */
    VERDICT_YES,  /* it is, whatever follows */
    VERDICT_MORE, /* it may be: the bytes that follow decide */
};

#endif
