#include "common/base/stamp.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/digits.h"

enum { QUARTER_S = 900, DAY_S = 86400, SLOTS = 256, SECONDS = 64, LONGEST_ZONE = 255 };
enum { SECOND_LENGTH = STAMP_LENGTH - 6 };

/* One quarter of an hour (UTC) and the zone's offset within it. */
struct slot {
    bool known;
    int64_t quarter;
    int64_t offset_s;
};

/* One second as it is printed, with the point. */
struct second {
    bool known;
    int64_t second;
    char text[SECOND_LENGTH];
};

struct stamp {
    char zone[LONGEST_ZONE + 1];
    struct slot slots[SLOTS];
    struct second seconds[SECONDS]; /* by their last digits: records' times are near each other */
};

/* The stamp whose zone TZ holds now, and who may change that. */
static const struct stamp *active;
static pthread_mutex_t active_lock = PTHREAD_MUTEX_INITIALIZER;

struct stamp *stamp_new(const void *zone, size_t length)
{
    if (length > LONGEST_ZONE || (length && memchr(zone, '\0', length)))
        return NULL;
    struct stamp *stamp = calloc(1, sizeof *stamp);
    if (stamp && length)
        memcpy(stamp->zone, zone, length);
    return stamp;
}

void stamp_free(struct stamp **stamp)
{
    pthread_mutex_lock(&active_lock);
    if (*stamp && active == *stamp)
        active = NULL;
    pthread_mutex_unlock(&active_lock);
    free(*stamp);
    *stamp = NULL;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t stamp_micros(int64_t time_ns)
{
    return floor_divide(time_ns, 1000);
}

static void activate(const struct stamp *stamp)
{
    if (active == stamp)
        return;
    if (stamp->zone[0])
        setenv("TZ", stamp->zone, 1);
    else
        unsetenv("TZ");
    tzset();
    active = stamp;
}

static int64_t ask_offset(const struct stamp *stamp, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm local;
    pthread_mutex_lock(&active_lock);
    activate(stamp);
    int64_t offset_s = localtime_r(&when, &local) ? local.tm_gmtoff : 0;
    pthread_mutex_unlock(&active_lock);
    return offset_s;
}

/* Seconds to add to UTC. A quarter that a zone split, as some did long ago, is asked about anew. */
static int64_t offset(struct stamp *stamp, int64_t seconds)
{
    int64_t quarter = floor_divide(seconds, QUARTER_S);
    struct slot *slot = &stamp->slots[(uint64_t)quarter % SLOTS];
    if (slot->known && slot->quarter == quarter)
        return slot->offset_s;
    int64_t first = ask_offset(stamp, quarter * QUARTER_S);
    if (first != ask_offset(stamp, quarter * QUARTER_S + QUARTER_S - 1))
        return ask_offset(stamp, seconds);
    *slot = (struct slot){true, quarter, first};
    return first;
}

/* Digits of a number that fits the width, which is even. */
static char *digits(char *out, unsigned value, int width)
{
    for (int i = width - 2; i >= 0; i -= 2, value /= 100)
        digits_put_pair(out + i, value % 100);
    return out + width;
}

/* The Gregorian date of a day counted from 1970-01-01. Years are taken to begin in March, so that
 * the leap day is a year's last, and 400 of them to make one round of 146,097 days. */
static char *date(char *out, int64_t day)
{
    int64_t since = day + 719468; /* days since 0000-03-01 */
    int64_t era = floor_divide(since, 146097);
    unsigned in_era = (unsigned)(since - era * 146097);
    unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
    unsigned from_march = (5 * in_year + 2) / 153;
    unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;
    out = digits(out, (unsigned)(era * 400) + year + (month <= 2), 4);
    *out++ = '-';
    out = digits(out, month, 2);
    *out++ = '-';
    return digits(out, in_year - (153 * from_march + 2) / 5 + 1, 2);
}

static void write_second(struct stamp *stamp, int64_t second, char out[SECOND_LENGTH])
{
    int64_t local = second + offset(stamp, second);
    int64_t day = floor_divide(local, DAY_S);
    unsigned in_day = (unsigned)(local - day * DAY_S);
    out = date(out, day);
    *out++ = ' ';
    out = digits(out, in_day / 3600, 2);
    *out++ = ':';
    out = digits(out, in_day / 60 % 60, 2);
    *out++ = ':';
    out = digits(out, in_day % 60, 2);
    *out = '.';
}

void stamp_write(struct stamp *stamp, int64_t time_ns, char out[STAMP_LENGTH])
{
    int64_t micros = stamp_micros(time_ns);
    int64_t second = floor_divide(micros, 1000000);
    struct second *kept = &stamp->seconds[(uint64_t)second % SECONDS];
    if (!kept->known || kept->second != second) {
        write_second(stamp, second, kept->text);
        kept->second = second;
        kept->known = true;
    }
    memcpy(out, kept->text, SECOND_LENGTH);
    digits(out + SECOND_LENGTH, (unsigned)(micros - second * 1000000), 6);
}
