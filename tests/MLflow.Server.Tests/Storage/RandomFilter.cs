using System.Globalization;

namespace MLflow.Server.Tests.Storage;

/// <summary>Filters of any form, each as its text and as what it means over plain objects.</summary>
internal sealed class RandomFilter
{
    /// <summary>A wrong condition: its text, how the error begins, and where in the text it is.</summary>
    private static readonly (string Text, string Message, int Offset)[] Mistakes =
    [
        ("foo = 'x'", "Invalid attribute key 'foo' specified.", 0),
        ("trace.state = 'OK'", "Invalid attribute key 'state' specified.", 0),
        ("foo.bar = 'x'", "Invalid entity type 'foo'.", 0),
        ("status = OK", "Parameter value is either not quoted or unidentified quote types used for string value OK.", 9),
        ("tags.k = `v`", "Parameter value is either not quoted", 9),
        ("name > 'a'", "Invalid comparator '>' not one of", 5),
        ("name IN ('a')", "Invalid comparator 'IN' not one of", 5),
        ("status IS NULL", "Invalid comparator 'IS NULL' not one of", 7),
        ("timestamp_ms LIKE '1%'", "Invalid comparator 'LIKE' not one of", 13),
        ("timestamp_ms IN (1)", "Only attributes in {", 13),
        ("status IN ('a', 5)", "While parsing a list in the query, expected string value", 16),
        ("status NOT IN ()", "While parsing a list in the query, expected a non-empty list", 14),
        ("span.name IN ('a' 'b')", "Invalid clause(s) in filter string: ''b''", 18),
        ("tags.k = 5", "Expected a quoted string value for tag", 9),
        ("metadata.k IN ('a')", "Expected a quoted string value for request_metadata", 15),
        ("feedback.f > 0.5", "Expected a quoted string value for feedback", 13),
        ("feedback.f > '1'", "assessment.f comparator '>' not one of", 11),
        ("expectation.e = true", "Invalid clause(s) in filter string: 'expectation.e', '=', 'true'", 0),
        ("trace.text = 'x'", "span.content comparator '=' not one of", 11),
        ("text LIKE 'x'", "Invalid clause(s) in filter string: 'text'", 0),
        ("span.foo = 'x'", "Invalid span attribute 'foo'.", 0),
        ("span.attributes. = 'x'", "Span attribute name cannot be empty after 'attributes.'", 0),
        ("name RLIKE '['", "Invalid regular expression '['", 11),
        ("name RLIKE '(a)\\1'", "Invalid regular expression", 11),
        ("name 'a'", "Invalid clause(s) in filter string: ''a''", 5),
        ("name == 'a'", "Invalid clause(s) in filter string: '='", 6),
        ("name = 'a' name = 'b'", "Invalid clause(s) in filter string: 'name'", 11),
        ("name NOT LIKE 'a'", "Invalid clause(s) in filter string: 'NOT'", 5),
        ("name IS 'a'", "Invalid clause(s) in filter string: 'IS'", 5),
        ("timestamp_ms BETWEEN 1 AND 2", "Invalid clause(s) in filter string: 'BETWEEN'", 13),
        ("execution_time > 'soon'", "Expected a numeric value for 'execution_time'.", 17),
        ("prompt LIKE 'a/1'", "Invalid comparator 'LIKE' not one of", 7),
        ("prompt = 'a'", "Expected a prompt as 'name/version'", 9),
        ("tags. = 'x'", "Invalid clause(s) in filter string: 'tags.'", 0),
        ("()", "Invalid clause(s) in filter string: ')'", 1),
        ("name = 'a\0'", "Invalid clause(s) in filter string: it has the character U+0000", 9),
        ("name # 'a'", "Invalid clause(s) in filter string: '#'", 5),
        ("'a'", "Invalid clause(s) in filter string: ''a''. A comparison should follow", 0),
        ("status", "Invalid clause(s) in filter string: 'status'. A comparison should follow", 0),
        ("NOT = 'a'", "Invalid clause(s) in filter string: '='", 4),
    ];

    private readonly Random _random;

    public RandomFilter(Random random) => _random = random;

    public (string Text, Func<ReferenceTrace, bool> Matches) Valid()
    {
        var (text, holds) = Tree(_random.Next(4));
        return (text, trace => ReferenceTrace.AnySpan(trace, holds));
    }

    public (string Text, string Message, int Position) Invalid()
    {
        var (text, message, offset) = Mistakes[_random.Next(Mistakes.Length)];
        var (before, after) = ("", "");
        for (var i = _random.Next(3); i > 0; i--)
        {
            before += $"{Tree(_random.Next(2)).Text} {Pick("AND", "OR", "and")} ";
        }

        for (var i = _random.Next(3); i > 0; i--)
        {
            after += $" {Pick("AND", "OR")} {Tree(_random.Next(2)).Text}";
        }

        for (var i = _random.Next(3); i > 0; i--)
        {
            (before, after) = ("(" + before, after + ")");
        }

        return (before + text + after, message, before.Length + offset + 1);
    }

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) Tree(int depth)
    {
        switch (depth == 0 ? 0 : _random.Next(6))
        {
            case 1 or 2:
                var all = Several(depth);
                return (Joined(all, Pick(" AND ", " and ", " AND AND ")), (trace, span) => all.TrueForAll(child => child.Holds(trace, span)));
            case 3 or 4:
                var any = Several(depth);
                return (Joined(any, Pick(" OR ", " or ")), (trace, span) => any.Exists(child => child.Holds(trace, span)));
            case 5:
                var inner = Tree(depth - 1);
                return ($"{Pick("NOT", "not")} {inner.Text}", (trace, _) => !ReferenceTrace.AnySpan(trace, inner.Holds));
            default:
                return Condition();
        }
    }

    private List<(string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds)> Several(int depth) => [.. Enumerable.Range(0, _random.Next(2, 4)).Select(_ => Tree(depth - 1))];

    private static string Joined(List<(string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds)> children, string word) => $"({string.Join(word, children.Select(child => child.Text))})";

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) Condition()
    {
        var prefix = Pick("", "attribute.", "attributes.", "trace.");
        switch (_random.Next(19))
        {
            case 0:
                return Number(prefix + Pick("timestamp", "timestamp_ms"), trace => trace.TimeMs, SomeTrace.StartMs + _random.Next(-1, 6));
            case 1:
                return Number(prefix + Pick("execution_time", "execution_time_ms"), trace => trace.DurationMs, _random.Next(0, 6));
            case 2:
                return Number(prefix + Pick("end_time", "end_time_ms"), trace => trace.TimeMs + trace.DurationMs, SomeTrace.StartMs + _random.Next(0, 9));
            case 3:
                return Text(prefix + "status", (trace, _) => One(trace.State), ["OK", "ERROR", "IN_PROGRESS", "INTERRUPTED", "ok"], withList: true);
            case 4:
                return Text(prefix + "request_id", (trace, _) => One(trace.Id), ["tr-1", "tr-12", "tr-7"], withList: true);
            case 5:
                return Text(prefix + "client_request_id", (trace, _) => One(trace.ClientRequestId), ReferenceTrace.Texts, withList: true);
            case 6:
                return Text(prefix + "name", (trace, _) => One(trace.Name), ReferenceTrace.Texts, withNull: true);
            case 7:
                return Run(prefix + "run_id");
            case 8:
                var tag = Pick("k", "my key");
                return Text($"{Pick("tag", "tags")}.{Quote(tag)}", (trace, _) => One(trace.Tags.GetValueOrDefault(tag)), ReferenceTrace.Texts, withNull: true);
            case 9:
                var metadata = Pick("m", "mlflow.trace.session");
                return Text($"{Pick("metadata", "request_metadata")}.{Quote(metadata)}", (trace, _) => One(trace.Metadata.GetValueOrDefault(metadata)), ReferenceTrace.Texts, withNull: true);
            case 10:
                return Text("span.name", (_, span) => One(span?.Name), ReferenceTrace.Texts, withList: true);
            case 11:
                return Text("span.type", (_, span) => One(span?.Type), ["TOOL", "CHAIN", "tool"], withList: true);
            case 12:
                return Text("span.status", (_, span) => One(span?.Status), ["OK", "ERROR", "UNSET"], withList: true);
            case 13:
                return SpanAttribute();
            case 14:
                var (op, value) = (Pick("LIKE", "ILIKE", "like"), $"%{Mangled(_random.Next(4) == 0 ? "TOOL" : Pick(ReferenceTrace.Texts))}%");
                return _random.Next(2) == 0
                    ? ($"trace.text {op} {Quoted(value)}", (trace, _) => trace.ReadableTexts.Any(text => ReferenceTrace.Compare(text, op.ToUpperInvariant(), [value])))
                    : ($"span.content {op} {Quoted(value)}", (_, span) => span is not null && ReferenceTrace.Compare(span.Json, op.ToUpperInvariant(), [value]));
            case 15:
                var prompt = Pick("p/1", "p/2", "q/1");
                return ($"{prefix}prompt = {Quoted(prompt)}", (trace, _) => trace.Prompts.Contains(prompt));
            case 16:
                var (order, dollars) = (Pick("=", "!=", ">", ">=", "<", "<="), Pick("0.0105", "2.5", "0", "0.1", "1e-2", "3"));
                var limit = double.Parse(dollars, CultureInfo.InvariantCulture);
                return (Spaced(prefix + "cost", order, _random.Next(3) == 0 ? Quoted(dollars) : dollars), (trace, _) => trace.Cost is { } cost && order switch
                {
                    "=" => cost == limit,
                    "!=" => cost != limit,
                    ">" => cost > limit,
                    ">=" => cost >= limit,
                    "<" => cost < limit,
                    _ => cost <= limit,
                });
            case 17:
                return Number(prefix + "tokens", trace => trace.Tokens, _random.GetItems([0, 5, 70, 71], 1)[0]);
            default:
                return Assessment();
        }
    }

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) Number(string key, Func<ReferenceTrace, long?> actual, double value)
    {
        value += _random.Next(3) == 0 ? 0.5 : 0;
        var op = Pick("=", "!=", ">", ">=", "<", "<=");
        var text = value.ToString("F" + (value % 1 == 0 ? _random.Next(2) : 1), CultureInfo.InvariantCulture);
        return (Spaced(key, op, _random.Next(3) == 0 ? Quoted(text) : text), (trace, _) => actual(trace) is { } number && op switch
        {
            "=" => number == value,
            "!=" => number != value,
            ">" => number > value,
            ">=" => number >= value,
            "<" => number < value,
            _ => number <= value,
        });
    }

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) Text(
        string key, Func<ReferenceTrace, ReferenceSpan?, IReadOnlyList<string>> actual, string[] values, bool withList = false, bool withNull = false)
    {
        if (withNull && _random.Next(4) == 0)
        {
            return _random.Next(2) == 0
                ? ($"{key} IS NULL", (trace, span) => actual(trace, span).Count == 0)
                : ($"{key} {Pick("IS NOT NULL", "is not null")}", (trace, span) => actual(trace, span).Count > 0);
        }

        if (withList && _random.Next(4) == 0)
        {
            var list = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Pick(values)).ToList();
            var isIn = _random.Next(2) == 0;
            return ($"{key} {(isIn ? Pick("IN", "in") : "NOT IN")} ({string.Join(", ", list.Select(Quoted))})", (trace, span) => actual(trace, span).Any(text => list.Contains(text) == isIn));
        }

        var (op, value) = Comparison(values);
        return (Spaced(key, op, Quoted(value)), (trace, span) => actual(trace, span).Any(text => ReferenceTrace.Compare(text, op.ToUpperInvariant(), [value])));
    }

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) Run(string key)
    {
        if (_random.Next(2) == 0)
        {
            var run = Pick(ReferenceTrace.Texts);
            return (Spaced(key, "=", Quoted(run)), (trace, _) => trace.Metadata.GetValueOrDefault("mlflow.sourceRun") == run || trace.LinkedRuns.Contains(run));
        }

        var (text, holds) = Text(key, (trace, _) => One(trace.Metadata.GetValueOrDefault("mlflow.sourceRun")), ReferenceTrace.Texts, withNull: true);
        return text.Contains("!=", StringComparison.Ordinal) || !text.Contains('=', StringComparison.Ordinal) ? (text, holds) : Run(key);
    }

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) SpanAttribute()
    {
        var attribute = Pick("k", "n", "my key", "o");
        var key = "span.attributes." + Quote(attribute);
        switch (_random.Next(5))
        {
            case 0:
                var isNull = _random.Next(2) == 0;
                return ($"{key} IS {(isNull ? "" : "NOT ")}NULL", (_, span) => span is not null && span.Attributes.ContainsKey(attribute) != isNull);
            case 1:
                var (limit, order) = (_random.Next(0, 5), Pick(">", ">=", "<", "<="));
                return ($"{key} {order} {limit}", (_, span) =>
                    span?.Attributes.GetValueOrDefault(attribute) is { } json && ReferenceTrace.AsNumber(json) is { } number
                    && (order switch { ">" => number > limit, ">=" => number >= limit, "<" => number < limit, _ => number <= limit }));
            case 2:
                var (list, isIn) = ((string[])[Pick(ReferenceTrace.AttributeValues), Pick(ReferenceTrace.AttributeValues)], _random.Next(2) == 0);
                return ($"{key} {(isIn ? "IN" : "NOT IN")} ({Quoted(list[0])}, {Quoted(list[1])})", (_, span) =>
                    span?.Attributes.GetValueOrDefault(attribute) is { } json && list.Any(value => ReferenceTrace.IsValue(json, value)) == isIn);
            default:
                var (op, pattern) = Comparison(ReferenceTrace.AttributeValues);
                return (Spaced(key, op, Quoted(pattern)), (_, span) => span?.Attributes.GetValueOrDefault(attribute) is { } json && ReferenceTrace.CompareJson(json, op.ToUpperInvariant(), pattern));
        }
    }

    private (string Text, Func<ReferenceTrace, ReferenceSpan?, bool> Holds) Assessment()
    {
        var (type, name) = (Pick("feedback", "expectation"), Pick("good", "my score"));
        var key = $"{type}.{Quote(name)}";
        if (_random.Next(3) == 0)
        {
            var isNull = _random.Next(2) == 0;
            return ($"{key} IS {(isNull ? "" : "NOT ")}NULL", (trace, _) => trace.ValuesOf(type, name).Any() != isNull);
        }

        var (op, value) = Comparison(ReferenceTrace.AttributeValues);
        return (Spaced(key, op, Quoted(value)), (trace, _) => trace.ValuesOf(type, name).Any(json => ReferenceTrace.CompareJson(json, op.ToUpperInvariant(), value)));
    }

    private (string Operator, string Value) Comparison(string[] values) => _random.Next(4) switch
    {
        0 => (Pick("=", "!="), Pick(values)),
        1 => (Pick("RLIKE", "rlike"), Pick("^a", "[a-c]+$", "東|é", "(?i)ASK", "o.*k?", "^$", @"^\d", "t(r|o)")),
        _ => (Pick("LIKE", "ILIKE", "like"), Mangled(Pick(values))),
    };

    /// <summary>A pattern that may or may not match the text.</summary>
    private string Mangled(string text) => string.Concat(text.EnumerateRunes().Select(rune => _random.Next(8) switch
    {
        0 => "_",
        1 => "%",
        2 => rune.ToString().ToUpperInvariant(),
        _ => rune.ToString(),
    })) + (_random.Next(3) == 0 ? "%" : "");

    private string Spaced(string key, string op, string value) => char.IsLetter(op[0]) || _random.Next(2) == 0 ? $"{key}  {op} {value}" : $"{key}{op}{value}";

    private string Quoted(string value) => value.Contains('\'', StringComparison.Ordinal) ? $"\"{value}\"" : value.Contains('"', StringComparison.Ordinal) || _random.Next(3) > 0 ? $"'{value}'" : $"\"{value}\"";

    private string Quote(string key) => key.Contains(' ', StringComparison.Ordinal) || _random.Next(3) == 0 ? Pick($"`{key}`", $"\"{key}\"") : key;

    private static IReadOnlyList<string> One(string? value) => value is null ? [] : [value];

    private T Pick<T>(params T[] values) => values[_random.Next(values.Length)];
}
