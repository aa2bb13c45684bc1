// From COPY's "COPY t, line 12, column c", which counts rows that were sent, to lines of files.
#include "load/places.h"

#include <stdio.h>
#include <stdlib.h>

static Place *place_at(const Stream *stream, uint64_t i) {
  return &stream->places[i % PLACES];
}

static bool make_room(Place *place, size_t rows) {
  if (rows <= place->room)
    return true;
  int64_t *lines = realloc(place->lines, rows * sizeof *lines);
  if (!lines)
    return false;
  place->lines = lines;
  place->room = rows;
  return true;
}

void places_note(Stream *stream, const Block *block) {
  size_t rows = block->marks.len / sizeof(RowMark);
  if (!stream->places)
    stream->places = calloc(PLACES, sizeof *stream->places);
  if (stream->places && make_room(place_at(stream, stream->blocks), rows)) {
    Place *place = place_at(stream, stream->blocks++);
    const RowMark *marks = (const RowMark *)(const void *)block->marks.data;
    place->first = stream->sent;
    place->count = rows;
    place->file_id = block->file_id;
    for (size_t i = 0; i < rows; i++)
      place->lines[i] = marks[i].line;
  }
  stream->sent += rows;
}

void places_free(Stream *stream) {
  for (size_t i = 0; stream->places && i < PLACES; i++)
    free(stream->places[i].lines);
  free(stream->places);
  stream->places = NULL;
}

// The table of "COPY schema.table (...", without the quotes.
void places_of_table(Stream *stream, const char *copy) {
  char *out = stream->table, *end = out + sizeof stream->table - 1;
  bool quoted = false;
  for (const char *at = copy + strcspn(copy, " ") + 1; *at && (quoted || !strchr(" (", *at));
       at++) {
    if (*at == '"' && quoted && at[1] == '"')
      at++;
    else if (*at == '"') {
      quoted = !quoted;
      continue;
    }
    if (*at == '.' && !quoted)
      out = stream->table;
    else if (out < end)
      *out++ = *at;
  }
  *out = 0;
}

// What follows "COPY table, " in the context, at the start of one of its lines: values may contain
// these words as well. The rest is of the server's language.
static const char *frame_of(const Stream *stream, const Error *error) {
  static const char title[] = "\n  context: ", next[] = "\n    ";
  size_t len = strlen(stream->table);
  const char *at = strstr(error->message, title);
  at = at ? at + strlen(title) : NULL;
  while (at) {
    if (strncmp(at, "COPY ", 5) == 0 && strncmp(at + 5, stream->table, len) == 0 &&
        strncmp(at + 5 + len, ", ", 2) == 0)
      return at + 5 + len + 2;
    at = strstr(at, next);
    at = at ? at + strlen(next) : NULL;
  }
  return NULL;
}

// The name in "line 12, column c", and what follows it.
static const char *column_of(const Stream *stream, const Error *error) {
  const char *at = frame_of(stream, error);
  if (!at)
    return NULL;
  at += strcspn(at, "0123456789\n");
  at += strspn(at, "0123456789");
  if (strncmp(at, ", ", 2) != 0)
    return NULL;
  at += 2;
  at += strcspn(at, " \n");
  return *at == ' ' ? at + 1 : NULL;
}

static bool code_in(const Error *error, const char *classes) {
  char wanted[3] = {error->code[0], error->code[1], 0};
  return strlen(error->code) == 5 && strstr(classes, wanted);
}

// Rows go into the table by the page, so "row is too big" comes with the number of a later row;
// entries of indexes are made with the number of their own.
static bool of_a_page(const Stream *stream, const Error *error) {
  return code_in(error, "54") && !column_of(stream, error) && !strstr(error->message, "index row");
}

uint64_t places_row(const Stream *stream, const Error *error) {
  const char *at = of_a_page(stream, error) ? NULL : frame_of(stream, error);
  if (!at)
    return 0;
  at += strcspn(at, "0123456789\n");
  return strtoull(at, NULL, 10);
}

bool places_of_row(const Stream *stream, const Error *error) {
  if (code_in(error, "22 23 P0 38 39 44 54"))
    return true;
  // The input function of a type may raise anything about its value: ltree a syntax error, PostGIS
  // an internal one.
  return column_of(stream, error) && !code_in(error, "08 25 40 53 55 57 58 72 F0") &&
         strcmp(error->code, "XX001") != 0 && strcmp(error->code, "XX002") != 0;
}

bool places_column(const Stream *stream, const Error *error, char *out, size_t size) {
  const char *at = column_of(stream, error);
  if (!at)
    return false;
  int len = (int)strcspn(at, ":\n");
  snprintf(out, size, "%.*s", len, at);
  return len > 0;
}

// Leaves out the frame, whose line is not that of a file, and the title if nothing is before it.
static void drop_frame(const Stream *stream, Error *error) {
  const char *frame = frame_of(stream, error);
  if (!frame)
    return;
  size_t len = (size_t)(frame - error->message);
  while (error->message[len - 1] != '\n')
    len--;
  error->message[len - 1] = 0;
}

void places_tell(const Stream *stream, Error *error) {
  uint64_t row = places_of_row(stream, error) ? places_row(stream, error) : 0;
  for (uint64_t i = 0; row > 0 && stream->places && i < PLACES && i < stream->blocks; i++) {
    const Place *place = place_at(stream, i);
    if (row - 1 < place->first || row - 1 >= place->first + place->count)
      continue;
    Error told = *error;
    char column[80] = "";
    bool named = places_column(stream, error, column, sizeof column);
    drop_frame(stream, &told);
    error_set(error, told.code, "\1%lld:%lld:%s%s %.900s", (long long)place->file_id,
              (long long)place->lines[row - 1 - place->first], named ? " " : "",
              named ? strcat(column, ":") : "", told.message);
    return;
  }
  if (of_a_page(stream, error))
    drop_frame(stream, error);
}
