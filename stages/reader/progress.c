#include "stages/reader/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_OVER "\r\033[K" /* to the line's start, and erase what stands there */

enum {
    SECOND_NS = 1000000000,
    EVERY_NS = SECOND_NS / 10,
    USUAL_WIDTH = 80, /* of a terminal that does not tell */
    MOST_WIDTH = 200, /* a longer bar says no more */
    LEAST_BAR = 10,   /* columns of a bar, its brackets included */
};

struct progress {
    int fd;
    uint64_t begun_ns;
    uint64_t due_ns; /* when it may be drawn again */
    bool shown;      /* something stands on the terminal's line */
};

/* ---- numbers as one reads them ------------------------------------------------------------- */

/* "999", "1.2 M", "840 k": in steps of a thousand. */
static void put_number(char *out, size_t size, double number)
{
    static const char units[] = " kMGTPE";
    size_t unit = 0;
    for (; number >= 999.5 && unit < sizeof units - 2; unit++)
        number /= 1000;
    if (unit == 0)
        snprintf(out, size, "%.0f", number);
    else
        snprintf(out, size, "%.*f %c", number < 9.95 ? 1 : 0, number, units[unit]);
}

/* "0:03", "12:05", "1:02:03". */
static void put_duration(char *out, size_t size, double seconds)
{
    const double most = 99 * 3600 + 59 * 60 + 59;
    unsigned all = (unsigned)(seconds < most ? seconds : most);
    unsigned hours = all / 3600, minutes = all / 60 % 60;
    if (hours)
        snprintf(out, size, "%u:%02u:%02u", hours, minutes, all % 60);
    else
        snprintf(out, size, "%u:%02u", minutes, all % 60);
}

/* ---- the line ------------------------------------------------------------------------------ */

/* The figures in words. */
struct words {
    char share[8];
    char packets[32];
    char bytes[24];
    char rate[24];
    char left[24];
    char elapsed[24];
};

static void find_words(struct words *words, const struct progress_figures *figures)
{
    char number[16];
    double seconds = (double)figures->elapsed_ns / SECOND_NS;
    double share = figures->size ? (double)figures->done / (double)figures->size : 0;
    if (share > 1)
        share = 1;
    snprintf(words->share, sizeof words->share, "%3d%%", (int)(share * 100));
    put_number(number, sizeof number, (double)figures->packets);
    snprintf(words->packets, sizeof words->packets, "%s packets", number);
    put_number(number, sizeof number, (double)figures->done);
    snprintf(words->bytes, sizeof words->bytes, "%s%sB", number, strchr(number, ' ') ? "" : " ");
    put_number(number, sizeof number, seconds > 0 ? (double)figures->packets / seconds : 0);
    snprintf(words->rate, sizeof words->rate, "%s/s", number);
    snprintf(number, sizeof number, "-:--");
    if (share > 0)
        put_duration(number, sizeof number, seconds / share - seconds);
    snprintf(words->left, sizeof words->left, "%s left", number);
    put_duration(number, sizeof number, seconds);
    snprintf(words->elapsed, sizeof words->elapsed, "%s so far", number);
}

/* "[====>     ]" of so many columns. */
static void put_bar(char *out, unsigned columns, uint64_t done, uint64_t size)
{
    unsigned room = columns - 2;
    double share = done < size ? (double)done / (double)size : 1;
    unsigned filled = (unsigned)(share * room);
    *out++ = '[';
    for (unsigned i = 0; i < room; i++)
        *out++ = i < filled ? '=' : i == filled ? '>' : ' ';
    *out++ = ']';
    *out = '\0';
}

/* The first of the texts that fits. */
static size_t put_fitting(char *line, size_t size, unsigned width, char texts[][128], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(texts[i]);
        if (length > width || length >= size)
            continue;
        memcpy(line, texts[i], length + 1);
        return length;
    }
    *line = '\0';
    return 0;
}

size_t progress_line(char *line, size_t size, unsigned width,
                     const struct progress_figures *figures)
{
    struct words w;
    char texts[3][128];
    find_words(&w, figures);
    if (figures->size == 0) {
        snprintf(texts[0], sizeof *texts, "%s, %s, %s, %s", w.packets, w.bytes, w.rate, w.elapsed);
        snprintf(texts[1], sizeof *texts, "%s, %s", w.packets, w.rate);
        snprintf(texts[2], sizeof *texts, "%s", w.packets);
        return put_fitting(line, size, width, texts, 3);
    }
    if (width > MOST_WIDTH)
        width = MOST_WIDTH;
    int tail = snprintf(texts[0], sizeof *texts, "%s, %s, %s", w.packets, w.rate, w.left);
    unsigned words = (unsigned)(tail + (int)strlen(w.share) + 2); /* and the spaces at the bar */
    if (width >= words + LEAST_BAR && size > width) {
        char bar[MOST_WIDTH + 1];
        put_bar(bar, width - words, figures->done, figures->size);
        return (size_t)snprintf(line, size, "%s %s %s", w.share, bar, texts[0]);
    }
    snprintf(texts[0], sizeof *texts, "%s %s, %s, %s", w.share, w.packets, w.rate, w.left);
    snprintf(texts[1], sizeof *texts, "%s %s", w.share, w.left);
    snprintf(texts[2], sizeof *texts, "%s", w.share);
    return put_fitting(line, size, width, texts, 3);
}

/* ---- the terminal -------------------------------------------------------------------------- */

static unsigned width_of(int fd)
{
    struct winsize window;
    if (ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_col == 0)
        return USUAL_WIDTH;
    return window.ws_col;
}

/* One write, so that what others print does not come in between. What the terminal does not take
 * is lost, which the next drawing mends. */
static void put(int fd, const char *text, size_t length)
{
    ssize_t written = write(fd, text, length);
    (void)written;
}

struct progress *progress_new(int fd, bool quiet, uint64_t now_ns)
{
    const char *terminal = getenv("TERM");
    if (quiet || !isatty(fd) || !terminal || strcmp(terminal, "dumb") == 0)
        return NULL;
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress)
        *progress = (struct progress){.fd = fd, .begun_ns = now_ns, .due_ns = now_ns + EVERY_NS};
    return progress;
}

void progress_show(struct progress *progress, uint64_t packets, uint64_t done, uint64_t size,
                   uint64_t now_ns)
{
    if (!progress || now_ns < progress->due_ns)
        return;
    struct progress_figures figures = {packets, done, size, now_ns - progress->begun_ns};
    char text[sizeof DRAW_OVER + MOST_WIDTH + 1] = DRAW_OVER;
    size_t begin = strlen(text);
    /* the last column stays free: some terminals go on to the next line when it is written */
    size_t length =
        progress_line(text + begin, sizeof text - begin, width_of(progress->fd) - 1, &figures);
    put(progress->fd, text, begin + length);
    progress->shown = true;
    progress->due_ns = now_ns + EVERY_NS;
}

void progress_clear(struct progress *progress)
{
    if (progress && progress->shown) {
        put(progress->fd, DRAW_OVER, strlen(DRAW_OVER));
        progress->shown = false;
    }
}

void progress_free(struct progress **progress)
{
    progress_clear(*progress);
    free(*progress);
    *progress = NULL;
}
