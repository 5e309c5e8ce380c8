/* The external sort against qsort, with hardly any memory. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/error.h"
#include "stages/sink/sorter.h"
#include "tests/unit/sink/check.h"

struct place {
    char path[SCRATCH_PATH];
    int directory;
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    scratch_make(place->path);
    place->directory = open(place->path, O_RDONLY | O_DIRECTORY);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    close(place->directory);
    scratch_remove(place->path);
    free(place);
    return 0;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* What an entry was, for the witness: keys of few different bytes, so that many are equal. */
struct made {
    char key[24];
    size_t length;
    uint32_t order;
};

static int compare_made(const void *left, const void *right)
{
    const struct made *a = left, *b = right;
    int order = memcmp(a->key, b->key, a->length < b->length ? a->length : b->length);
    if (order)
        return order;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static struct made *make(size_t count, uint64_t seed)
{
    struct made *made = calloc(count, sizeof *made);
    for (size_t i = 0; i < count; i++) {
        made[i].length = next_random(&seed) % (sizeof made[i].key);
        made[i].order = (uint32_t)i;
        for (size_t at = 0; at < made[i].length; at++)
            made[i].key[at] = (char)(next_random(&seed) % 3);
    }
    return made;
}

/* The value says which entry it was, and is as long as that says. */
static size_t value_of(uint32_t order, uint8_t value[512])
{
    size_t length = 4 + order % 500;
    memset(value, (int)(order & 0xff), length);
    memcpy(value, &order, 4);
    return length;
}

static void sorts_like_the_witness(int directory, size_t memory, size_t count, uint64_t seed)
{
    struct sorter *sorter = sorter_new(memory, directory);
    struct made *made = make(count, seed);
    uint8_t value[512];
    struct entry entry;
    for (size_t i = 0; i < count; i++) {
        size_t length = value_of((uint32_t)i, value);
        entry = (struct entry){(const uint8_t *)made[i].key, value, (uint32_t)made[i].length,
                               (uint32_t)length};
        assert_int_equal(sorter_add(sorter, &entry), 0);
    }
    qsort(made, count, sizeof *made, compare_made);
    for (size_t i = 0; i < count; i++) {
        size_t length = value_of(made[i].order, value);
        assert_int_equal(sorter_next(sorter, &entry), 0);
        assert_int_equal(entry.key_length, made[i].length);
        assert_memory_equal(entry.key, made[i].key, made[i].length);
        assert_int_equal(entry.value_length, length);
        assert_memory_equal(entry.value, value, length);
    }
    assert_int_equal(sorter_next(sorter, &entry), ERR_EOF);
    assert_int_equal(sorter_next(sorter, &entry), ERR_EOF);
    free(made);
    sorter_free(&sorter);
    assert_null(sorter);
}

static void sorts_in_memory(void **state)
{
    const struct place *place = *state;
    for (size_t count = 0; count < 40; count++)
        sorts_like_the_witness(place->directory, 1 << 20, count, count + 1);
    sorts_like_the_witness(place->directory, 64 << 20, 20000, 3);
}

/* 4 KiB hold some ten entries: 60,000 make thousands of runs, and three levels of them. */
static void sorts_on_disk_in_hardly_any_memory(void **state)
{
    const struct place *place = *state;
    sorts_like_the_witness(place->directory, 0, 30, 5);
    sorts_like_the_witness(place->directory, 0, 60000, 6);
    sorts_like_the_witness(place->directory, 100000, 60000, 7);
}

static void takes_entries_longer_than_its_memory(void **state)
{
    const struct place *place = *state;
    struct sorter *sorter = sorter_new(0, place->directory);
    static uint8_t value[300000];
    struct entry entry;
    for (int i = 0; i < 200; i++) {
        uint8_t key[2] = {(uint8_t)(200 - i), 0};
        size_t length = i % 3 ? 10 : sizeof value - (size_t)i;
        memset(value, i, length);
        entry = (struct entry){key, value, sizeof key, (uint32_t)length};
        assert_int_equal(sorter_add(sorter, &entry), 0);
    }
    for (int i = 199; i >= 0; i--) {
        size_t length = i % 3 ? 10 : sizeof value - (size_t)i;
        assert_int_equal(sorter_next(sorter, &entry), 0);
        assert_int_equal(entry.key[0], 200 - i);
        assert_int_equal(entry.value_length, length);
        assert_int_equal(entry.value[length - 1], i);
    }
    assert_int_equal(sorter_next(sorter, &entry), ERR_EOF);
    sorter_free(&sorter);
}

/* Keys that begin with a smaller number are part of it. */
static bool is_below(const void *limit, uint64_t prefix)
{
    return prefix < *(const uint64_t *)limit;
}

/* What comes next, of those below the limit: as the witness has it, in the order of keys, and of
 * arrival where those are equal. The rest stays, and is moved to the witness's start. */
static size_t part_is_right(struct sorter *sorter, struct made *made, size_t count, uint64_t limit)
{
    struct made *part = calloc(count + 1, sizeof *part);
    size_t parts = 0, left = 0;
    struct entry entry;
    for (size_t i = 0; i < count; i++) {
        entry = (struct entry){.key = (const uint8_t *)made[i].key,
                               .key_length = (uint32_t)made[i].length};
        if (is_below(&limit, entry_prefix(&entry)))
            part[parts++] = made[i];
        else
            made[left++] = made[i];
    }
    qsort(part, parts, sizeof *part, compare_made);
    sorter_begin_part(sorter, is_below, &limit);
    for (size_t i = 0; i < parts; i++) {
        uint8_t value[512];
        size_t length = value_of(part[i].order, value);
        assert_int_equal(sorter_next(sorter, &entry), 0);
        assert_int_equal(entry.value_length, length);
        assert_memory_equal(entry.value, value, length);
    }
    assert_int_equal(sorter_next(sorter, &entry), ERR_EOF);
    free(part);
    return left;
}

/* Parts are taken again and again, at times of nothing, and of all; in between others come. */
static void gives_parts_while_more_come(void **state)
{
    const struct place *place = *state;
    enum { ROUNDS = 60, A_ROUND = 97 };
    struct sorter *sorter = sorter_new(1 << 20, place->directory);
    struct made *made = make(ROUNDS * A_ROUND, 11), *held = calloc(ROUNDS * A_ROUND, sizeof *held);
    size_t count = 0, most = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = round * A_ROUND; i < (round + 1) * A_ROUND; i++) {
            uint8_t value[512];
            struct entry entry = {(const uint8_t *)made[i].key, value, (uint32_t)made[i].length,
                                  (uint32_t)value_of(made[i].order, value)};
            assert_int_equal(sorter_add(sorter, &entry), 0);
            held[count++] = made[i];
        }
        most = sorter_held(sorter) > most ? sorter_held(sorter) : most;
        uint64_t limit = round % 4 == 1 ? 0 : round % 4 == 3 ? UINT64_MAX : UINT64_C(2) << 56;
        count = part_is_right(sorter, held, count, limit);
        assert_true(count || !sorter_held(sorter));
    }
    count = part_is_right(sorter, held, count, UINT64_MAX);
    assert_int_equal(count, 0);
    assert_int_equal(sorter_spilled(sorter), 0);
    assert_true(most < (1 << 20) / 4); /* all that came is five times as much */
    free(held);
    free(made);
    sorter_free(&sorter);
}

/* Behind a part the disk may be needed after all. */
static void may_spill_behind_a_part(void **state)
{
    const struct place *place = *state;
    struct sorter *sorter = sorter_new(100000, place->directory);
    struct made *made = make(5000, 12);
    uint64_t limit = UINT64_C(1) << 56;
    size_t held = 0;
    for (size_t i = 0; i < 5000; i++) {
        uint8_t value[512];
        struct entry entry = {(const uint8_t *)made[i].key, value, (uint32_t)made[i].length,
                              (uint32_t)value_of(made[i].order, value)};
        assert_int_equal(sorter_add(sorter, &entry), 0);
        held++;
        if (i == 200)
            held = part_is_right(sorter, made, held, limit);
        else if (i > 200)
            made[held - 1] = made[i];
    }
    assert_true(sorter_spilled(sorter) > 0);
    qsort(made, held, sizeof *made, compare_made);
    for (size_t i = 0; i < held; i++) {
        uint8_t value[512];
        struct entry entry;
        assert_int_equal(sorter_next(sorter, &entry), 0);
        assert_int_equal(entry.value_length, value_of(made[i].order, value));
        assert_memory_equal(entry.value, value, entry.value_length);
    }
    free(made);
    sorter_free(&sorter);
}

static void leaves_no_file_behind(void **state)
{
    const struct place *place = *state;
    struct sorter *sorter = sorter_new(0, place->directory);
    uint8_t value[1000] = {0};
    struct entry entry = {(const uint8_t *)"k", value, 1, sizeof value};
    for (int i = 0; i < 100; i++)
        assert_int_equal(sorter_add(sorter, &entry), 0);
    assert_true(sorter_spilled(sorter) > 50 * sizeof value);
    assert_int_equal(rmdir(place->path), 0); /* nothing with a name is in it */
    sorter_free(&sorter);
    assert_int_equal(mkdir(place->path, 0700), 0);
}

static void says_when_the_disk_does_not_take_it(void **state)
{
    (void)state;
    struct sorter *sorter = sorter_new(0, -1);
    uint8_t value[1000] = {0};
    struct entry entry = {(const uint8_t *)"k", value, 1, sizeof value};
    int error = 0;
    for (int i = 0; i < 100 && !error; i++)
        error = sorter_add(sorter, &entry);
    assert_int_equal(error, -EBADF);
    sorter_free(&sorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_in_memory),
        cmocka_unit_test(sorts_on_disk_in_hardly_any_memory),
        cmocka_unit_test(takes_entries_longer_than_its_memory),
        cmocka_unit_test(gives_parts_while_more_come),
        cmocka_unit_test(may_spill_behind_a_part),
        cmocka_unit_test_setup_teardown(leaves_no_file_behind, make_place, remove_place),
        cmocka_unit_test(says_when_the_disk_does_not_take_it),
    };
    return cmocka_run_group_tests_name("sorter", tests, make_place, remove_place);
}
