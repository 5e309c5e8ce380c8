/*
 * Stands in for the pipeline's programs while `bench` measures: it is called by their names,
 * runs the real one ($METERED_BIN/NAME), and appends to $METER_LOG, at its end,
 *
 *     NAME user-seconds system-seconds peak-kilobytes
 *
 * so that every process is measured as a whole, and from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t measured;

static void pass_on(int signal_number)
{
    if (measured > 0)
        kill(measured, signal_number);
}

static void report(const char *log, const char *name, const struct rusage *used)
{
    char line[256];
    int length = snprintf(line, sizeof line, "%s %.3f %.3f %ld\n", name,
                          (double)used->ru_utime.tv_sec + (double)used->ru_utime.tv_usec / 1e6,
                          (double)used->ru_stime.tv_sec + (double)used->ru_stime.tv_usec / 1e6,
                          used->ru_maxrss);
    int fd = open(log, O_WRONLY | O_APPEND | O_CREAT, 0666);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        perror(log);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    const char *bin = getenv("METERED_BIN"), *log = getenv("METER_LOG");
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    char program[4096];
    if (!bin || !log || !slash) {
        fputs("meter: for tests/bench/bench alone\n", stderr);
        return 2;
    }
    snprintf(program, sizeof program, "%s%s", bin, slash);
    signal(SIGTERM, pass_on);
    signal(SIGINT, SIG_IGN); /* the terminal sends it to both */
    measured = fork();
    if (measured == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGINT, SIG_DFL);
        execv(program, argv);
        perror(program);
        _exit(127);
    }
    int status;
    struct rusage used;
    while (wait4(measured, &status, 0, &used) < 0)
        if (errno != EINTR)
            return 2;
    report(log, slash + 1, &used);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
