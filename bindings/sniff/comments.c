// Lines that are comments.
#include "sniff/comments.h"

typedef struct Comments {
  size_t count;
  size_t fitting;     // of them those that have the table's number of fields
  size_t records;     // all
  size_t top;         // how many records begin so before the first that does not
  size_t top_fitting; // of them those of the table's number of fields that read as comments do: "#
                      // a, b"
  size_t top_width;   // fields of the last of those
  size_t top_at;      // where it starts
  bool fields;        // one says "#Fields:"
} Comments;

static bool starts_with(const char *text, size_t len, const char *prefix) {
  size_t size = strlen(prefix);
  return len >= size && memcmp(text, prefix, size) == 0;
}

static void note_comment(Comments *found, const SniffRecord *record, const char *line,
                         const SniffGuess *guess, size_t at) {
  bool fitting = record->count == guess->columns && !record->unterminated;
  found->count++;
  found->fitting += fitting;
  found->fields |= starts_with(line, record->length, "#Fields:");
  if (found->top < found->records)
    return;
  found->top++;
  found->top_fitting += fitting && starts_with(line, record->length, "# ");
  found->top_width = record->count;
  found->top_at = at;
}

static bool count_comments(const SniffSample *sample, const SniffGuess *guess, const char *prefix,
                           Comments *found) {
  SniffRecord record = {0};
  size_t at = 0;
  *found = (Comments){0};
  while (found->records < SNIFF_SAMPLE_RECORDS &&
         sniff_record_read(&guess->dialect, sample->bytes + at, sample->len - at, sample->whole,
                           &record)) {
    const char *line = sample->bytes + at;
    if (!record.blank && starts_with(line, record.length, prefix))
      note_comment(found, &record, line, guess, at);
    at += record.length;
    found->records += !record.blank;
  }
  bool failed = record.failed;
  sniff_record_free(&record);
  return !failed;
}

// A line with the table's number of fields is a record; only above all others, "# a, b" is not one.
// In a table of one column every line has that number.
static bool are_comments(const Comments *found, const SniffGuess *guess, const char *prefix) {
  if (found->count == 0 || found->count * 2 > found->records + found->top)
    return false;
  if (guess->columns == 1)
    return *prefix == '#' && found->count == found->top;
  return found->fitting == found->top_fitting;
}

// "#id,name" above the data, alone or below real comments: the header. As a comment its names would
// be lost.
static bool is_comment_header(const Comments *found, const SniffGuess *guess) {
  return guess->columns > 1 && found->top > 0 && found->count == found->top &&
         found->top_width == guess->columns && found->fitting == 1;
}

// The score of the table whose header is the last of the comment lines above it.
static bool score_below_comments(const SniffSample *sample, const Comments *found,
                                 SniffGuess *guess) {
  SniffSample below = *sample;
  below.bytes += found->top_at;
  below.len -= found->top_at;
  bool good = sniff_score(&below, guess->prior, guess);
  guess->first += found->top - 1;
  return good;
}

// If the prefix is given, every line that starts with it is a comment.
static bool take_given(const SniffSample *sample, const char *given, SniffGuess *guess,
                       SniffComments *comments) {
  Comments found = {0};
  guess->dialect.comment[0] = 0;
  if (*given && !count_comments(sample, guess, given, &found))
    return false;
  strcpy(guess->dialect.comment, given);
  comments->lines = found.count;
  return sniff_score(sample, guess->prior, guess);
}

bool sniff_comments_find(const SniffSample *sample, const char *given, SniffGuess *guess,
                         SniffComments *comments) {
  if (given)
    return take_given(sample, given, guess, comments);
  char chosen[SNIFF_COMMENT_SIZE + 1];
  strcpy(chosen, guess->dialect.comment);
  guess->dialect.comment[0] = 0;
  for (size_t i = 0; i < SNIFF_COMMENTS; i++) {
    const char *prefix = sniff_comments[i];
    Comments found;
    if (strcmp(prefix, guess->dialect.delimiter) == 0 || (chosen[0] && strcmp(chosen, prefix) != 0))
      continue;
    if (!count_comments(sample, guess, prefix, &found))
      return false;
    comments->fields_line |= found.fields;
    comments->header = is_comment_header(&found, guess);
    if (comments->header)
      return score_below_comments(sample, &found, guess);
    if (!are_comments(&found, guess, prefix))
      continue;
    strcpy(guess->dialect.comment, prefix);
    comments->lines = found.count;
    break;
  }
  return sniff_score(sample, guess->prior, guess);
}
