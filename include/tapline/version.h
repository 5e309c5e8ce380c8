#ifndef TAPLINE_VERSION_H
#define TAPLINE_VERSION_H

/** The version of the programs; results say which one made them. */
#define TAPLINE_VERSION "0.1.0"

#endif
