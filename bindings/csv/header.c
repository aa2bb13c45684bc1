// See header.h.
#include "csv/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_SIZE = 24 }; // "column" and a number

void header_free(Header *header) {
  for (uint32_t i = 0; i < header->line_count; i++) {
    free((Field *)header->lines[i].fields);
    free(header->memory[i]);
  }
  free(header->written);
  free(header->columns);
  buffer_free(&header->text);
  *header = (Header){0};
}

static size_t text_size(const Field *fields, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += fields[i].len;
  return size;
}

bool header_add(Header *header, const Field *fields, uint32_t count) {
  Field *copies = calloc(count, sizeof *copies);
  char *memory = malloc(text_size(fields, count) + 1);
  if (!copies || !memory) {
    free(copies);
    free(memory);
    return false;
  }
  char *at = memory;
  for (uint32_t i = 0; i < count; i++) {
    memcpy(at, fields[i].data, fields[i].len);
    copies[i] = (Field){at, fields[i].len, fields[i].null};
    at += fields[i].len;
  }
  header->lines[header->line_count] = (HeaderLine){copies, count};
  header->memory[header->line_count++] = memory;
  return true;
}

// Names

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

static Field trimmed(Field field) {
  while (field.len > 0 && is_blank(field.data[0]))
    field.data++, field.len--;
  while (field.len > 0 && is_blank(field.data[field.len - 1]))
    field.len--;
  return field;
}

// Room for all the names to be added, so that they do not move.
static bool make_room(Header *header, size_t count) {
  size_t size = count * (MAX_NAME + 2 * NUMBER_SIZE);
  for (uint32_t i = 0; i < header->line_count; i++)
    size += text_size(header->lines[i].fields, header->lines[i].count) + count;
  header->written = calloc(count, sizeof *header->written);
  header->columns = calloc(count, sizeof *header->columns);
  return header->written && header->columns && buffer_reserve(&header->text, size);
}

static Field joined(Header *header, size_t column) {
  size_t start = header->text.len;
  for (uint32_t i = 0; i < header->line_count; i++) {
    const HeaderLine *line = &header->lines[i];
    Field part = column < line->count ? trimmed(line->fields[column]) : (Field){0};
    if (part.len > 0 && header->text.len > start)
      buffer_put(&header->text, " ", 1);
    buffer_put(&header->text, part.data, part.len);
  }
  size_t len = header->text.len - start;
  return (Field){len ? header->text.data + start : "", (uint32_t)len, false};
}

static Field numbered(Header *header, const char *format, size_t number) {
  char *at = header->text.data + header->text.len;
  int len = snprintf(at, NUMBER_SIZE, format, number);
  header->text.len += (size_t)len;
  return (Field){at, (uint32_t)len, false};
}

bool header_make_names(Header *header, size_t count, bool extra) {
  header->column_count = count + extra;
  if (!make_room(header, header->column_count))
    return false;
  for (size_t i = 0; i < count; i++)
    header->written[i] =
        header->line_count ? joined(header, i) : numbered(header, "column%zu", i + 1);
  if (extra)
    header->written[count] = (Field){"_extra", 6, false};
  memcpy(header->columns, header->written, header->column_count * sizeof *header->columns);
  return true;
}

// Checking

static int compare_names(const void *left, const void *right) {
  const Field *a = *(const Field *const *)left, *b = *(const Field *const *)right;
  int order = strncasecmp(a->data, b->data, a->len < b->len ? a->len : b->len);
  if (order != 0)
    return order;
  if (a->len != b->len)
    return a->len < b->len ? -1 : 1;
  return a < b ? -1 : a > b;
}

static bool same_name(const Field *a, const Field *b) {
  return a->len == b->len && strncasecmp(a->data, b->data, a->len) == 0;
}

static const char remedy[] = ": header_names 'repair' numbers such columns";
static const char remedy_at_end[] = ": trailing_delimiter 'skip' where lines end in a delimiter, "
                                    "header_names 'repair' numbers such columns";

static bool check_sorted(const Header *header, const Field *const *sorted, const char *source_name,
                         Error *error) {
  unsigned long long line = header->position;
  const Field *first = header->columns;
  if (sorted[0]->len == 0) {
    bool last = sorted[0] == first + header->column_count - 1 && header->column_count > 1;
    return error_set(error, "header", "%s:%llu: column %td of the header has no name%s",
                     source_name, line, sorted[0] - first + 1, last ? remedy_at_end : remedy);
  }
  for (size_t i = 1; i < header->column_count; i++)
    if (same_name(sorted[i - 1], sorted[i]))
      return error_set(error, "header",
                       "%s:%llu: columns %td and %td of the header are both named '%.*s'%s",
                       source_name, line, sorted[i - 1] - first + 1, sorted[i] - first + 1,
                       (int)sorted[i]->len, sorted[i]->data, remedy);
  return true;
}

bool header_check(const Header *header, const char *source_name, Error *error) {
  const Field **sorted = calloc(header->column_count, sizeof *sorted);
  if (!sorted)
    return error_set(error, "ENOMEM", "out of memory");
  for (size_t i = 0; i < header->column_count; i++)
    sorted[i] = &header->columns[i];
  qsort(sorted, header->column_count, sizeof *sorted, compare_names);
  bool ok = check_sorted(header, sorted, source_name, error);
  free(sorted);
  return ok;
}

// Repairing. Names that are taken are in a hash table, with the number to try next.

typedef struct Slot {
  const Field *name; // NULL: free
  size_t next;
} Slot;

typedef struct Taken {
  Slot *slots;
  size_t mask;
} Taken;

// FNV-1a over lower case, http://www.isthe.com/chongo/tech/comp/fnv/
static size_t hash_name(const Field *name) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (uint32_t i = 0; i < name->len; i++) {
    unsigned char byte = (unsigned char)name->data[i];
    hash = (hash ^ (byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte)) * UINT64_C(0x100000001b3);
  }
  return (size_t)(hash ^ hash >> 32);
}

static Slot *find_slot(const Taken *taken, const Field *name) {
  size_t at = hash_name(name) & taken->mask;
  while (taken->slots[at].name && !same_name(taken->slots[at].name, name))
    at = (at + 1) & taken->mask;
  return &taken->slots[at];
}

// At most `length` bytes, no UTF-8 character cut in two.
static Field cut_name(Field name, uint32_t length) {
  if (name.len <= length)
    return name;
  name.len = length;
  while (name.len > 0 && ((unsigned char)name.data[name.len] & 0xc0) == 0x80)
    name.len--;
  return name;
}

static Field with_number(Header *header, Field base, size_t number) {
  char suffix[NUMBER_SIZE];
  int len = snprintf(suffix, sizeof suffix, "_%zu", number);
  base = cut_name(base, MAX_NAME - (uint32_t)len);
  char *at = header->text.data + header->text.len;
  buffer_put(&header->text, base.data, base.len);
  buffer_put(&header->text, suffix, (size_t)len);
  return (Field){at, base.len + (uint32_t)len, false};
}

static void repair_name_at(Header *header, const Taken *taken, size_t i) {
  Field base = header->columns[i].len ? cut_name(header->columns[i], MAX_NAME)
                                      : numbered(header, "column_%zu", i + 1);
  header->columns[i] = base;
  Slot *slot = find_slot(taken, &base);
  if (!slot->name) {
    *slot = (Slot){&header->columns[i], 2};
    return;
  }
  size_t mark = header->text.len;
  Slot *free_slot;
  do {
    header->text.len = mark;
    header->columns[i] = with_number(header, base, slot->next++);
    free_slot = find_slot(taken, &header->columns[i]);
  } while (free_slot->name);
  *free_slot = (Slot){&header->columns[i], 2};
}

bool header_repair(Header *header) {
  size_t size = 16;
  while (size < header->column_count * 2)
    size *= 2;
  Taken taken = {calloc(size, sizeof *taken.slots), size - 1};
  if (!taken.slots)
    return false;
  for (size_t i = 0; i < header->column_count; i++)
    repair_name_at(header, &taken, i);
  free(taken.slots);
  return true;
}
