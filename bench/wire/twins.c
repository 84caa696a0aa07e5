/* The twins of bench.wire: decoders as one writes them by hand in C, each for one type of messages
   of bench.proto, into columns as jitvm has them (jitvm/guests/wire/columns.py).

   Two for each type:

       in order    each field is looked for where it comes if fields are in order; what is left
                   over then goes to the other one
       switched    a loop that switches on the tag

   All of them take messages one behind the other, with SLACK readable bytes behind the last, where
   each begins, how many there are, and three pointers a column of the tree: validity, offsets,
   values. They return how many rows there are: fewer than messages if one is wrong. As in jitvm,
   that strings are UTF-8 is checked as a whole behind it all (`ascii`), and nobody does more here, as
   all of these messages are ASCII. */

#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define VALIDITY(column) (buffers[3 * (column)])
#define OFFSETS(column) ((u32 *)buffers[3 * (column) + 1])
#define VALUES(type, column) ((type *)buffers[3 * (column) + 2])
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* -- values: each returns where it ends, or 0 ----------------------------------------------------- */

static __attribute__((noinline)) const u8 *long_varint(const u8 *p, const u8 *end, u64 *value) {
    u64 found = 0;
    for (int shift = 0; shift < 70 && p < end; shift += 7) {
        u64 byte = *p++;
        found |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = found;
            return p;
        }
    }
    return 0;
}

static inline const u8 *varint(const u8 *p, const u8 *end, u64 *value) {
    if (likely(p < end && p[0] < 0x80)) {
        *value = p[0];
        return p + 1;
    }
    if (likely(p + 1 < end && p[1] < 0x80)) {
        *value = (p[0] & 0x7f) | (u64)p[1] << 7;
        return p + 2;
    }
    return long_varint(p, end, value);
}

static inline u64 zigzag(u64 value) { return value >> 1 ^ -(value & 1); }

static inline const u8 *fixed(const u8 *p, const u8 *end, void *value, int width) {
    if (unlikely(end - p < width)) return 0;
    memcpy(value, p, width);
    return p + width;
}

static inline const u8 *length(const u8 *p, const u8 *end, u64 *count) {
    p = varint(p, end, count);
    return unlikely(!p || *count > (u64)(end - p)) ? 0 : p;
}

/* Bytes behind those of the row before. Short ones are copied as 16, whatever they have. */
static inline const u8 *bytes(const u8 *p, const u8 *end, u32 *offsets, u8 *values) {
    u64 count;
    p = length(p, end, &count);
    if (unlikely(!p)) return 0;
    u8 *to = values + offsets[0];
    if (likely(count <= 16))
        memcpy(to, p, 16);
    else
        memcpy(to, p, count);
    offsets[1] = offsets[0] + (u32)count;
    return p + count;
}

static const u8 *skipped(const u8 *p, const u8 *end, u64 tag) {
    u64 count;
    switch (tag & 7) {
    case 0: return varint(p, end, &count);
    case 1: return end - p < 8 ? 0 : p + 8;
    case 2: p = length(p, end, &count); return p ? p + count : 0;
    case 5: return end - p < 4 ? 0 : p + 4;
    }
    return 0;
}

static int ascii(const u8 *p, u64 count) {
    u64 high = 0;
    for (u64 i = 0; i < count; i++) high |= p[i];
    return high < 0x80;
}

#define MUST(p) if (unlikely(!(p))) return 0

/* -- Sensor ---------------------------------------------------------------------------------------- */

enum { TIME = 1, DEVICE, SITE, TEMPERATURE, HUMIDITY, VOLTAGE, OFFSET, SEQUENCE, CHARGING, STATUS,
       FIRMWARE, CHECKSUM };

static inline const u8 *sensor_rest(const u8 *p, const u8 *end, u8 **buffers, long row) {
    u64 value;
    while (p < end) {
        u64 tag;
        MUST(p = varint(p, end, &tag));
        switch (tag) {
        case 0x09: p = fixed(p, end, VALUES(u64, TIME) + row, 8); break;
        case 0x10: p = varint(p, end, &value), VALUES(u32, DEVICE)[row] = value; break;
        case 0x1a: p = bytes(p, end, OFFSETS(SITE) + row, VALUES(u8, SITE)); break;
        case 0x21: p = fixed(p, end, VALUES(u64, TEMPERATURE) + row, 8); break;
        case 0x29: p = fixed(p, end, VALUES(u64, HUMIDITY) + row, 8); break;
        case 0x35: p = fixed(p, end, VALUES(u32, VOLTAGE) + row, 4); break;
        case 0x38: p = varint(p, end, &value), VALUES(u32, OFFSET)[row] = zigzag((u32)value); break;
        case 0x40: p = varint(p, end, &value), VALUES(u64, SEQUENCE)[row] = value; break;
        case 0x48: p = varint(p, end, &value), VALUES(u8, CHARGING)[row] = value != 0; break;
        case 0x50: p = varint(p, end, &value), VALUES(u32, STATUS)[row] = value; break;
        case 0x5a: p = bytes(p, end, OFFSETS(FIRMWARE) + row, VALUES(u8, FIRMWARE)); break;
        case 0x65: p = fixed(p, end, VALUES(u32, CHECKSUM) + row, 4); break;
        default: p = skipped(p, end, tag);
        }
        MUST(p);
    }
    return p;
}

static long sensor_is_text(u8 **buffers, long rows) {
    int fine = ascii(VALUES(u8, SITE), OFFSETS(SITE)[rows]);
    return fine && ascii(VALUES(u8, FIRMWARE), OFFSETS(FIRMWARE)[rows]) ? rows : 0;
}

long sensor_switched(const u8 *data, const int64_t *begins, long count, u8 **buffers) {
    OFFSETS(SITE)[0] = OFFSETS(FIRMWARE)[0] = 0;
    for (long row = 0; row < count; row++) {
        u64 value = 0;
        VALUES(u64, TIME)[row] = VALUES(u64, TEMPERATURE)[row] = VALUES(u64, HUMIDITY)[row] = value;
        VALUES(u64, SEQUENCE)[row] = VALUES(u32, DEVICE)[row] = VALUES(u32, VOLTAGE)[row] = 0;
        VALUES(u32, OFFSET)[row] = VALUES(u32, STATUS)[row] = VALUES(u32, CHECKSUM)[row] = 0;
        VALUES(u8, CHARGING)[row] = 0;
        OFFSETS(SITE)[row + 1] = OFFSETS(SITE)[row];
        OFFSETS(FIRMWARE)[row + 1] = OFFSETS(FIRMWARE)[row];
        if (!sensor_rest(data + begins[row], data + begins[row + 1], buffers, row)) return row;
    }
    return sensor_is_text(buffers, count);
}

#define FIXED(tag, type, column) \
    if (likely(p < end && *p == tag)) { \
        MUST(p = fixed(p + 1, end, VALUES(type, column) + row, sizeof(type))); \
    } else VALUES(type, column)[row] = 0
#define VARINT(tag, type, column, meaning) \
    if (likely(p < end && *p == tag)) { \
        u64 value; \
        MUST(p = varint(p + 1, end, &value)); \
        VALUES(type, column)[row] = meaning; \
    } else VALUES(type, column)[row] = 0
#define BYTES(tag, column) \
    if (likely(p < end && *p == tag)) { \
        MUST(p = bytes(p + 1, end, OFFSETS(column) + row, VALUES(u8, column))); \
    } else OFFSETS(column)[row + 1] = OFFSETS(column)[row]

static inline const u8 *sensor_row(const u8 *p, const u8 *end, u8 **buffers, long row) {
    FIXED(0x09, u64, TIME);
    VARINT(0x10, u32, DEVICE, value);
    BYTES(0x1a, SITE);
    FIXED(0x21, u64, TEMPERATURE);
    FIXED(0x29, u64, HUMIDITY);
    FIXED(0x35, u32, VOLTAGE);
    VARINT(0x38, u32, OFFSET, zigzag((u32)value));
    VARINT(0x40, u64, SEQUENCE, value);
    VARINT(0x48, u8, CHARGING, value != 0);
    VARINT(0x50, u32, STATUS, value);
    BYTES(0x5a, FIRMWARE);
    FIXED(0x65, u32, CHECKSUM);
    return likely(p == end) ? p : sensor_rest(p, end, buffers, row);
}

long sensor(const u8 *data, const int64_t *begins, long count, u8 **buffers) {
    OFFSETS(SITE)[0] = OFFSETS(FIRMWARE)[0] = 0;
    for (long row = 0; row < count; row++)
        if (!sensor_row(data + begins[row], data + begins[row + 1], buffers, row)) return row;
    return sensor_is_text(buffers, count);
}

/* -- Span ------------------------------------------------------------------------------------------ */

enum { TRACE = 1, SPAN, PARENT, NAME, KIND, START, END, ATTRIBUTES, ATTRIBUTE, KEY, VALUE, MEMBER,
       TEXT, FLAG, NUMBER, REAL, EVENTS, EVENT, EVENT_TIME, EVENT_NAME, EVENT_ATTRIBUTES,
       EVENT_ATTRIBUTE, STATE = 30, MESSAGE, CODE };
#define IN_EVENT (EVENT_ATTRIBUTE - ATTRIBUTE)

static inline const u8 *value_row(const u8 *p, const u8 *end, u8 **buffers, long at, long row) {
    u8 member = 0;
    VALIDITY(at + TEXT)[row] = VALIDITY(at + FLAG)[row] = 0;
    VALIDITY(at + NUMBER)[row] = VALIDITY(at + REAL)[row] = 0;
    VALUES(u8, at + FLAG)[row] = 0;
    VALUES(u64, at + NUMBER)[row] = VALUES(u64, at + REAL)[row] = 0;
    OFFSETS(at + TEXT)[row + 1] = OFFSETS(at + TEXT)[row];
    while (p < end) {
        u64 tag, value;
        MUST(p = varint(p, end, &tag));
        switch (tag) {
        case 0x0a:
            p = bytes(p, end, OFFSETS(at + TEXT) + row, VALUES(u8, at + TEXT)), member = 1;
            break;
        case 0x10: p = varint(p, end, &value), VALUES(u8, at + FLAG)[row] = value != 0, member = 2; break;
        case 0x18: p = varint(p, end, &value), VALUES(u64, at + NUMBER)[row] = value, member = 3; break;
        case 0x21: p = fixed(p, end, VALUES(u64, at + REAL) + row, 8), member = 4; break;
        default: p = skipped(p, end, tag); continue;
        }
        MUST(p);
    }
    VALUES(u8, at + MEMBER)[row] = member;
    if (member) VALIDITY(at + TEXT + member - 1)[row] = 1;
    return p;
}

static inline const u8 *attribute_row(const u8 *p, const u8 *end, u8 **buffers, long at, long row) {
    BYTES(0x0a, at + KEY);
    u64 count = 0;
    int is_there = p < end && *p == 0x12;
    if (likely(is_there)) MUST(p = length(p + 1, end, &count));
    VALIDITY(at + VALUE)[row] = is_there;
    MUST(p = value_row(p, p + count, buffers, at, row));
    return likely(p == end) ? p : 0;
}

static inline const u8 *attribute_rows(
    u8 tag, const u8 *p, const u8 *end, u8 **buffers, long at, u32 *counter) {
    u32 row = counter[0];
    while (p < end && *p == tag) {
        u64 count;
        MUST(p = length(p + 1, end, &count));
        MUST(p = attribute_row(p, p + count, buffers, at, row));
        row++;
    }
    counter[1] = row;
    return p;
}

static inline const u8 *event_row(const u8 *p, const u8 *end, u8 **buffers, long row) {
    FIXED(0x09, u64, EVENT_TIME);
    BYTES(0x12, EVENT_NAME);
    MUST(p = attribute_rows(0x1a, p, end, buffers, IN_EVENT, OFFSETS(EVENT_ATTRIBUTES) + row));
    return likely(p == end) ? p : 0;
}

static inline const u8 *status_row(const u8 *p, const u8 *end, u8 **buffers, long row) {
    BYTES(0x12, MESSAGE);
    VARINT(0x18, u32, CODE, value);
    return likely(p == end) ? p : 0;
}

static inline const u8 *span_row(const u8 *p, const u8 *end, u8 **buffers, long row) {
    BYTES(0x0a, TRACE);
    BYTES(0x12, SPAN);
    BYTES(0x22, PARENT);
    BYTES(0x2a, NAME);
    VARINT(0x30, u32, KIND, value);
    FIXED(0x39, u64, START);
    FIXED(0x41, u64, END);
    MUST(p = attribute_rows(0x4a, p, end, buffers, 0, OFFSETS(ATTRIBUTES) + row));
    u32 event = OFFSETS(EVENTS)[row];
    while (p < end && *p == 0x5a) {
        u64 count;
        MUST(p = length(p + 1, end, &count));
        MUST(p = event_row(p, p + count, buffers, event));
        event++;
    }
    OFFSETS(EVENTS)[row + 1] = event;
    u64 count = 0;
    int is_there = p < end && *p == 0x7a;
    if (unlikely(is_there)) MUST(p = length(p + 1, end, &count));
    VALIDITY(STATE)[row] = is_there;
    MUST(p = status_row(p, p + count, buffers, row));
    return likely(p == end) ? p : 0;
}

long span(const u8 *data, const int64_t *begins, long count, u8 **buffers) {
    static const int counted[] = {
        TRACE, SPAN, PARENT, NAME, ATTRIBUTES, KEY, TEXT, EVENTS, EVENT_NAME, EVENT_ATTRIBUTES,
        KEY + IN_EVENT, TEXT + IN_EVENT, MESSAGE};
    for (unsigned i = 0; i < sizeof counted / sizeof counted[0]; i++) OFFSETS(counted[i])[0] = 0;
    for (long row = 0; row < count; row++)
        if (!span_row(data + begins[row], data + begins[row + 1], buffers, row)) return row;
    u32 attributes = OFFSETS(ATTRIBUTES)[count], events = OFFSETS(EVENTS)[count];
    u32 inner = OFFSETS(EVENT_ATTRIBUTES)[events];
    int fine = ascii(VALUES(u8, NAME), OFFSETS(NAME)[count]);
    fine &= ascii(VALUES(u8, KEY), OFFSETS(KEY)[attributes]);
    fine &= ascii(VALUES(u8, TEXT), OFFSETS(TEXT)[attributes]);
    fine &= ascii(VALUES(u8, EVENT_NAME), OFFSETS(EVENT_NAME)[events]);
    fine &= ascii(VALUES(u8, KEY + IN_EVENT), OFFSETS(KEY + IN_EVENT)[inner]);
    fine &= ascii(VALUES(u8, TEXT + IN_EVENT), OFFSETS(TEXT + IN_EVENT)[inner]);
    fine &= ascii(VALUES(u8, MESSAGE), OFFSETS(MESSAGE)[count]);
    return fine ? count : 0;
}

/* -- Tile ------------------------------------------------------------------------------------------ */

enum { ID = 1, TYPE, TAGS, TAG, GEOMETRY, POINT };

static inline const u8 *packed(
    const u8 *p, const u8 *end, int is_signed, u32 *counter, u32 *values) {
    u64 count, value;
    MUST(p = length(p, end, &count));
    u32 *to = values + counter[0];
    for (end = p + count; p < end;) {
        MUST(p = varint(p, end, &value));
        *to++ = is_signed ? zigzag((u32)value) : value;
    }
    counter[1] = to - values;
    return p;
}

static inline const u8 *tile_row(const u8 *p, const u8 *end, u8 **buffers, long row) {
    VARINT(0x08, u64, ID, value);
    VARINT(0x10, u32, TYPE, value);
    OFFSETS(TAGS)[row + 1] = OFFSETS(TAGS)[row];
    if (likely(p < end && *p == 0x1a))
        MUST(p = packed(p + 1, end, 0, OFFSETS(TAGS) + row, VALUES(u32, TAG)));
    OFFSETS(GEOMETRY)[row + 1] = OFFSETS(GEOMETRY)[row];
    if (likely(p < end && *p == 0x22))
        MUST(p = packed(p + 1, end, 1, OFFSETS(GEOMETRY) + row, VALUES(u32, POINT)));
    return likely(p == end) ? p : 0;
}

long tile(const u8 *data, const int64_t *begins, long count, u8 **buffers) {
    OFFSETS(TAGS)[0] = OFFSETS(GEOMETRY)[0] = 0;
    for (long row = 0; row < count; row++)
        if (!tile_row(data + begins[row], data + begins[row + 1], buffers, row)) return row;
    return count;
}

/* -- Wide ------------------------------------------------------------------------------------------ */

#define SET(column) VALIDITY(column)[row] = 1
#define WIDE_VARINT(number, type, meaning) \
    case number << 3: \
        p = varint(p, end, &value), VALUES(type, number)[row] = meaning, SET(number); break
#define WIDE_FIXED(number, type, wire) \
    case number << 3 | wire: p = fixed(p, end, VALUES(type, number) + row, sizeof(type)); \
        SET(number); break
#define WIDE_BYTES(number) \
    case number << 3 | 2: p = bytes(p, end, OFFSETS(number) + row, VALUES(u8, number)); \
        SET(number); break
#define FIVE(each, first, ...) \
    each(first, __VA_ARGS__); each((first + 1), __VA_ARGS__); each((first + 2), __VA_ARGS__); \
    each((first + 3), __VA_ARGS__); each((first + 4), __VA_ARGS__)

static inline const u8 *wide_rest(const u8 *p, const u8 *end, u8 **buffers, long row) {
    u64 value;
    while (p < end) {
        u64 tag;
        MUST(p = varint(p, end, &tag));
        switch (tag) {
            FIVE(WIDE_VARINT, 1, u64, value);
            FIVE(WIDE_FIXED, 6, u64, 1);
            WIDE_BYTES(11); WIDE_BYTES(12); WIDE_BYTES(13); WIDE_BYTES(14); WIDE_BYTES(15);
            FIVE(WIDE_VARINT, 16, u32, value);
            FIVE(WIDE_VARINT, 21, u32, zigzag((u32)value));
            FIVE(WIDE_VARINT, 26, u8, value != 0);
            FIVE(WIDE_FIXED, 31, u64, 1);
            FIVE(WIDE_FIXED, 36, u32, 5);
        default: p = skipped(p, end, tag);
        }
        MUST(p);
    }
    return p;
}

long wide_switched(const u8 *data, const int64_t *begins, long count, u8 **buffers) {
    for (int i = 11; i < 16; i++) OFFSETS(i)[0] = 0;
    for (long row = 0; row < count; row++) {
        for (int i = 1; i < 41; i++) VALIDITY(i)[row] = 0;
        for (int i = 1; i < 11; i++) VALUES(u64, i)[row] = 0;
        for (int i = 11; i < 16; i++) OFFSETS(i)[row + 1] = OFFSETS(i)[row];
        for (int i = 16; i < 26; i++) VALUES(u32, i)[row] = 0;
        for (int i = 26; i < 31; i++) VALUES(u8, i)[row] = 0;
        for (int i = 31; i < 36; i++) VALUES(u64, i)[row] = 0;
        for (int i = 36; i < 41; i++) VALUES(u32, i)[row] = 0;
        if (!wide_rest(data + begins[row], data + begins[row + 1], buffers, row)) return row;
    }
    int fine = 1;
    for (int i = 11; i < 16; i++) fine &= ascii(VALUES(u8, i), OFFSETS(i)[count]);
    return fine ? count : 0;
}
