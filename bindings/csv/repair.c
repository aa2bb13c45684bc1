// general_repair: one physical line in which stray quotes are data. See general.h.
#include <string.h>

#include "csv/general.h"

// A line under repair.
typedef struct Patient {
  General *general;
  Batch *batch;
  const char *end;
} Patient;

static bool ends_field(const Patient *patient, const char *at) {
  return at == patient->end || dialect_is_delimiter(patient->general->dialect, at, patient->end);
}

// After blanks that are not data, those between a closing quote and what ends the field.
static const char *after_blanks(const Patient *patient, const char *at) {
  const Dialect *dialect = patient->general->dialect;
  while (dialect->blanks_after_quote && !ends_field(patient, at) && *at == ' ')
    at++;
  return at;
}

// The closing quote of the field whose content starts at `at`: one with a delimiter or the line's
// end after it. With `pairs` two quotes are one that is data. NULL when there is none.
static const char *closing_quote(const Patient *patient, const char *at, bool pairs) {
  const Dialect *dialect = patient->general->dialect;
  for (; at < patient->end; at++) {
    if (dialect->escape && *at == dialect->escape) {
      at++;
      continue;
    }
    if (*at != dialect->quote)
      continue;
    if (pairs && at + 1 < patient->end && at[1] == dialect->quote)
      at++;
    else if (ends_field(patient, after_blanks(patient, at + 1)))
      return at;
  }
  return NULL;
}

static void add_field(Patient *patient, size_t text_start, bool null) {
  Field *field = batch_add_field(patient->batch);
  const Buffer *text = &patient->batch->text;
  if (field)
    *field = (Field){text->data + text_start, (uint32_t)(text->len - text_start), null};
  else
    patient->general->failed = true;
}

// The bytes [at, end) as data, but for escapes and, with `pairs`, doubled quotes.
static void put_data(Patient *patient, const char *at, const char *end, bool pairs) {
  const Dialect *dialect = patient->general->dialect;
  for (; at < end; at++) {
    bool escape = dialect->escape && *at == dialect->escape;
    bool doubled = pairs && *at == dialect->quote && at + 1 < end && at[1] == dialect->quote;
    at += (escape || doubled) && at + 1 < end;
    buffer_put(&patient->batch->text, at, 1);
  }
}

static const char *plain_end(const Patient *patient, const char *at) {
  const Dialect *dialect = patient->general->dialect;
  while (!ends_field(patient, at))
    at += dialect->escape && *at == dialect->escape && at + 1 < patient->end ? 2 : 1;
  return at;
}

// Takes the field at `at` and returns where it ends.
static const char *take_field(Patient *patient, const char *at) {
  const Dialect *dialect = patient->general->dialect;
  size_t text_start = patient->batch->text.len;
  while (dialect->skip_blanks && at < patient->end && *at == ' ')
    at++;
  for (int pairs = 1; pairs >= 0 && at < patient->end && *at == dialect->quote; pairs--) {
    const char *close = closing_quote(patient, at + 1, pairs);
    if (!close)
      continue;
    put_data(patient, at + 1, close, pairs);
    add_field(patient, text_start, false);
    return after_blanks(patient, close + 1);
  }
  const char *end = plain_end(patient, at);
  put_data(patient, at, end, false);
  add_field(patient, text_start, end == at);
  return end;
}

static bool has_foreign_end(const Dialect *dialect, const char *bytes, size_t len) {
  return memchr(bytes, dialect->line_end == LINE_CR ? '\n' : '\r', len) != NULL;
}

bool general_repair(General *general, Batch *batch, const char *bytes, size_t len) {
  const Dialect *dialect = general->dialect;
  if (dialect->columns == 0 || dialect->unquoted || has_foreign_end(dialect, bytes, len))
    return false;
  size_t field_mark = batch->field_count, text_mark = batch->text.len;
  Patient patient = {general, batch, bytes + len};
  const char *at = take_field(&patient, bytes);
  while (at < patient.end && !general->failed)
    at = take_field(&patient, at + dialect_delimiter_length(dialect));
  size_t count = batch->field_count - field_mark;
  if (dialect->trailing_delimiter && count == dialect->columns + 1 &&
      batch->fields[batch->field_count - 1].null)
    batch->field_count--, count--;
  if (count == dialect->columns)
    return true;
  batch->field_count = field_mark;
  batch->text.len = text_mark;
  return false;
}
