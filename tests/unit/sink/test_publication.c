/* OUT before, during and after: what is refused, what is replaced, and what is never seen. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/publication.h"
#include "stages/sink/writer.h"
#include "tests/unit/sink/check.h"

static char place[SCRATCH_PATH];
static struct fault fault;

static int set_up(void **state)
{
    (void)state;
    scratch_make(place);
    fault = (struct fault){0};
    return chdir(place);
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(chdir("/"), 0);
    scratch_remove(place);
    return 0;
}

static struct slice named(const char *out)
{
    return (struct slice){(const uint8_t *)out, strlen(out)};
}

/* Makes results that can be told apart, and leaves them to be published. */
static struct publication *written(const char *root, const char *out, const char *mark)
{
    struct publication *p = publication_new(root, named(out), NULL, &fault);
    if (!p)
        fail_msg("%s: %s", out, fault.text);
    int directory = publication_directory(p);
    assert_int_equal(mkdirat(directory, "cert_file", 0777), 0);
    assert_int_equal(mkdirat(directory, "save_file", 0777), 0);
    assert_int_equal(writer_file(directory, "cert_file/AB.crt", mark, strlen(mark)), 0);
    assert_int_equal(writer_file(directory, "logs", mark, strlen(mark)), 0);
    assert_int_equal(writer_file(directory, "ledger.json", mark, strlen(mark)), 0);
    return p;
}

static void is_placed(struct publication *p)
{
    publication_seal(p);
    if (publication_place(p, &fault) != 0)
        fail_msg("%s: %s", publication_shown(p), fault.text);
}

static void publishes(const char *root, const char *out, const char *mark)
{
    struct publication *p = written(root, out, mark);
    is_placed(p);
    publication_finish(p);
    publication_free(&p);
    assert_null(p);
}

static void reads(const char *path, const char *want)
{
    char text[64] = "";
    int file = open(path, O_RDONLY);
    if (file < 0)
        fail_msg("%s: %s", path, strerror(errno));
    assert_true(read(file, text, sizeof text - 1) >= 0);
    close(file);
    assert_string_equal(text, want);
}

static size_t entries(const char *path)
{
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

static void refuses(const char *root, const char *out, int error, const char *part)
{
    size_t before = entries(".");
    struct publication *p = publication_new(root, named(out), NULL, &fault);
    assert_null(p);
    assert_int_equal(fault.error, error);
    if (!strstr(fault.text, part))
        fail_msg("\"%s\" does not say \"%s\"", fault.text, part);
    assert_int_equal(entries("."), before);
}

static void makes_a_new_directory_and_those_above(void **state)
{
    (void)state;
    publishes(NULL, "a/b/c///", "one");
    reads("a/b/c/ledger.json", "one");
    assert_int_equal(entries("a/b"), 1);
    char absolute[SCRATCH_PATH + 16];
    snprintf(absolute, sizeof absolute, "%s/x/./y", place);
    publishes(NULL, absolute, "two");
    reads("x/y/ledger.json", "two");
}

static void replaces_earlier_results_and_empty_directories(void **state)
{
    (void)state;
    assert_int_equal(mkdir("out", 0750), 0);
    publishes(NULL, "out", "one");
    publishes(NULL, "out", "two");
    publishes(NULL, "./out/", "three");
    reads("out/logs", "three");
    reads("out/cert_file/AB.crt", "three");
    assert_int_equal(entries("."), 1);
    struct stat status;
    assert_int_equal(stat("out", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0750);
}

static void shows_nothing_before_it_is_published(void **state)
{
    (void)state;
    publishes(NULL, "out", "one");
    struct publication *p = written(NULL, "out", "two");
    reads("out/logs", "one");
    publication_free(&p);
    reads("out/logs", "one");
    assert_int_equal(entries("."), 1);
    p = written(NULL, "new", "two");
    assert_int_not_equal(access("new", F_OK), 0);
    publication_free(&p);
    assert_int_equal(entries("."), 1);
}

static void touch(const char *path)
{
    int file = open(path, O_CREAT | O_WRONLY, 0666);
    assert_true(file >= 0);
    close(file);
}

static void refuses_what_is_not_its_own(void **state)
{
    (void)state;
    touch("file");
    refuses(NULL, "file", ERR_USAGE, "is no directory");
    mkdir("mine", 0777);
    touch("mine/thesis.doc");
    refuses(NULL, "mine", ERR_USAGE, "\"thesis.doc\"");
    publishes(NULL, "out", "one");
    touch("out/cert_file/readme");
    refuses(NULL, "out", ERR_USAGE, "\"cert_file/readme\"");
    unlink("out/cert_file/readme");
    touch("out/save_file/x.crt");
    refuses(NULL, "out", ERR_USAGE, "\"save_file/x.crt\"");
    unlink("out/save_file/x.crt");
    unlink("out/ledger.json");
    refuses(NULL, "out", ERR_USAGE, "no ledger.json");
    assert_int_equal(symlink("/etc/passwd", "out/ledger.json"), 0);
    refuses(NULL, "out", ERR_USAGE, "\"ledger.json\"");
    unlink("out/ledger.json");
    mkdir("out/ledger.json", 0777);
    refuses(NULL, "out", ERR_USAGE, "\"ledger.json\"");
    refuses(NULL, "/", ERR_USAGE, "cannot be replaced");
    refuses(NULL, "", ERR_USAGE, "no name");
    refuses(NULL, "/proc", ERR_USAGE, "mount point");
    refuses(NULL, "file/below", ERR_OUTPUT, strerror(ENOTDIR));
}

static void looks_again_before_it_replaces(void **state)
{
    (void)state;
    publishes(NULL, "out", "one");
    struct publication *p = written(NULL, "out", "two");
    touch("out/late.txt");
    assert_int_equal(publication_place(p, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "\"late.txt\""));
    publication_free(&p);
    reads("out/logs", "one");
    assert_int_equal(entries("."), 1);
}

static void keeps_earlier_results_until_the_place_is_certain(void **state)
{
    (void)state;
    publishes(NULL, "out", "one");
    struct publication *p = written(NULL, "out", "two");
    is_placed(p);
    reads("out/logs", "two");
    assert_int_equal(entries("."), 2);
    publishes(NULL, "other", "three"); /* which looks for what the dead have left */
    assert_int_equal(entries("."), 3);
    publication_finish(p);
    assert_int_equal(entries("."), 2);
    publication_free(&p);
}

/* A directory of ten thousand results is not read ten thousand times. */
static void looks_for_leftovers_now_and_then(void **state)
{
    (void)state;
    struct leftovers *leftovers = leftovers_new();
    char prefix[NAME_MAX + 1], name[NAME_MAX + 1];
    leftovers_prefix(prefix);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(leftovers_name(prefix, name), 0);
        assert_int_equal(mkdir(name, 0777), 0);
        struct publication *p = publication_new(NULL, named("out"), leftovers, &fault);
        assert_int_equal(access(name, F_OK) == 0, i > 0);
        publication_free(&p);
    }
    leftovers_free(&leftovers);
    publishes(NULL, "out", "one");
    assert_int_equal(entries("."), 1);
}

static void follows_links_to_directories(void **state)
{
    (void)state;
    mkdir("disk", 0777);
    assert_int_equal(symlink("disk/results", "out"), 0);
    refuses(NULL, "out", ERR_USAGE, "leads nowhere");
    mkdir("disk/results", 0777);
    publishes(NULL, "out", "one");
    publishes(NULL, "out/", "two");
    reads("disk/results/logs", "two");
    assert_int_equal(entries("disk"), 1);
    mkdir("empty", 0777);
    assert_int_equal(chdir("empty"), 0);
    publishes(NULL, ".", "three");
    assert_int_equal(chdir(place), 0);
    reads("empty/logs", "three");
}

static void stays_below_its_root(void **state)
{
    (void)state;
    mkdir("root", 0777);
    publishes("root", "a/b", "one");
    reads("root/a/b/logs", "one");
    refuses("root", "../out", ERR_USAGE, "below root only");
    refuses("root", "a/../../out", ERR_USAGE, "below root only");
    refuses("root", "/tmp/out", ERR_USAGE, "below root only");
    assert_int_equal(symlink("/tmp", "root/link"), 0);
    refuses("root", "link/out", ERR_USAGE, "no directory of root");
    refuses("root", "link", ERR_USAGE, "is no directory");
}

/* A process that dies at any point leaves what was there, and the next one tidies up after it. */
static void survives_being_killed(void **state)
{
    (void)state;
    publishes(NULL, "out", "one");
    pid_t child = fork();
    if (child == 0) {
        written(NULL, "out", "half");
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    reads("out/logs", "one");
    assert_int_equal(entries("."), 2);
    struct publication *living = written(NULL, "other", "three");
    assert_int_equal(entries("."), 2); /* the dead one's is gone */
    publishes(NULL, "out", "two");
    assert_int_equal(entries("."), 2); /* the living one's is not */
    assert_int_equal(publication_place(living, &fault), 0);
    publication_free(&living);
    reads("other/logs", "three");
}

static void two_moves_stand_for_an_exchange(void **state)
{
    (void)state;
    int here = open(".", O_RDONLY | O_DIRECTORY);
    mkdir("new", 0777);
    touch("new/n");
    mkdir("old", 0777);
    touch("old/o");
    assert_int_equal(publication_replace(here, "new", "old", "aside"), 0);
    assert_int_equal(access("old/n", F_OK), 0);
    assert_int_equal(access("aside/o", F_OK), 0);
    assert_int_equal(publication_replace(here, "missing", "old", "further"), -ENOENT);
    assert_int_equal(access("old/n", F_OK), 0);
    assert_int_equal(publication_replace(here, "new", "missing", "further"), -ENOENT);
    close(here);
}

static void says_when_it_may_not_write(void **state)
{
    (void)state;
    refuses(NULL, "/proc/self/out", ERR_OUTPUT, "cannot make a directory beside /proc/self/out");
    refuses(NULL, "/proc/none/out", ERR_OUTPUT, "cannot make the directory of /proc/none/out");
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(makes_a_new_directory_and_those_above),
        PLACED(replaces_earlier_results_and_empty_directories),
        PLACED(shows_nothing_before_it_is_published),
        PLACED(refuses_what_is_not_its_own),
        PLACED(looks_again_before_it_replaces),
        PLACED(keeps_earlier_results_until_the_place_is_certain),
        PLACED(looks_for_leftovers_now_and_then),
        PLACED(follows_links_to_directories),
        PLACED(stays_below_its_root),
        PLACED(survives_being_killed),
        PLACED(two_moves_stand_for_an_exchange),
        PLACED(says_when_it_may_not_write),
    };
    return cmocka_run_group_tests_name("publication", tests, NULL, NULL);
}
