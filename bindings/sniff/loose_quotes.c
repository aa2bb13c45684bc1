// Quotes in a file that is read without any.
#include "sniff/loose_quotes.h"

// Examines the quotes in fields that are read without quoting.
typedef struct QuotesInData {
  size_t records;
  size_t some;     // fields with quotes in them
  size_t wrapped;  // of those, in quotes, maybe with blanks around
  size_t unclosed; // of those, with one quote alone, before text
} QuotesInData;

static void count_quotes(QuotesInData *quotes, const SniffField *field) {
  const char *text = field->text, *end = text + field->len;
  const char *first = field->len > 0 ? memchr(text, '"', field->len) : NULL;
  if (!first)
    return;
  while (text < end && *text == ' ')
    text++;
  while (end > text && end[-1] == ' ')
    end--;
  quotes->some++;
  quotes->wrapped += end - text > 1 && *text == '"' && end[-1] == '"';
  quotes->unclosed +=
      end - text > 1 && first == text && !memchr(text + 1, '"', (size_t)(end - text - 1));
}

bool sniff_find_loose_quotes(const SniffSample *sample, const SniffDialect *dialect,
                             SniffStructure *structure) {
  SniffRecord record = {0};
  QuotesInData quotes = {0};
  for (size_t at = 0;
       quotes.records < SNIFF_SAMPLE_RECORDS &&
       sniff_record_read(dialect, sample->bytes + at, sample->len - at, sample->whole, &record);
       quotes.records++, at += record.length)
    for (size_t i = 0; i < record.count; i++)
      count_quotes(&quotes, &record.fields[i]);
  structure->wrapped_quotes = quotes.some > 0 && quotes.wrapped * 2 >= quotes.some;
  // Many of them are a style; a few are damage.
  structure->unclosed_quote =
      quotes.unclosed == 1 || (quotes.unclosed > 0 && quotes.unclosed * 10 <= quotes.records);
  bool good = !record.failed;
  sniff_record_free(&record);
  return good;
}
