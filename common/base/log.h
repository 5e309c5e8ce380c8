/*
 * One line a message on stderr, after the program's name: what, where, what to do.
 */
#ifndef TAPLINE_COMMON_LOG_H
#define TAPLINE_COMMON_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO };

/** Sets the name that each line begins with (borrowed for good), and what is shown. */
void log_open(const char *name, enum log_level level);

/** Writes one line, like printf, where its level is shown. Bytes that a terminal would obey are
 *  replaced, as text from traffic may come in here. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)

#endif
