using System.Globalization;
using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Conventions;

/// <summary>
/// Says in MLflow's attributes what a span says in those of another convention. What the span says in MLflow's own stays; what was sent stays beside it
/// (<see cref="SpanRecord.Sent"/>), so that mapping can be run again when the tables know more.
/// </summary>
internal static class ConventionMapper
{
    /// <summary>Raise it with every change of the tables: spans of an older version are mapped again when the server starts.</summary>
    public const int Version = 1;

    /// <summary>The stamp: <c>{"version":1,"conventions":["OpenInference"]}</c>.</summary>
    public const string Stamp = "mlflow.convention";

    /// <param name="sent">The span as it was sent.</param>
    /// <param name="logs">What log records tell of it.</param>
    public static SpanRecord Map(SpanRecord sent, IReadOnlyList<SpanEventRecord> logs)
    {
        var span = logs.Count == 0 ? sent : sent with { Events = [.. sent.Events.Concat(logs).OrderBy(e => e.TimeNs)] };
        var mapped = span.Attributes.Any(a => ConventionTables.Reads(a.Key)) || span.Events.Any(e => ConventionTables.Reads(e.Name)) || HasScope(span.ScopeName)
            ? new Mapping(span).Run()
            : span;
        return ReferenceEquals(mapped, sent) ? sent : mapped with { Sent = sent };
    }

    /// <summary>The attributes as sent, with the mapped ones in place of those of the same name and else at the end.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Join(IReadOnlyList<KeyValuePair<string, string>> sent, IReadOnlyList<KeyValuePair<string, string>> mapped) =>
        mapped.Count == 0 ? sent : [.. sent.Where(a => !mapped.Any(m => m.Key == a.Key)), .. mapped];

    private static bool HasScope(string? scope) => scope is not null && ConventionTables.All.Any(table => table.Scopes.Count > 0 && table.Holds(scope));

    /// <summary>The mapping of one span.</summary>
    private sealed class Mapping
    {
        private readonly SpanRecord _span;
        private readonly SpanSource _source;
        private readonly List<ConventionTable> _tables;
        private readonly List<KeyValuePair<string, string>> _mapped = [];
        private readonly HashSet<string> _names = [];

        public Mapping(SpanRecord span)
        {
            _span = span;
            _source = new SpanSource(span);
            _tables = [.. ConventionTables.All.Where(table => table.Holds(span.ScopeName))];
        }

        public SpanRecord Run()
        {
            var type = _span.Type;
            if (type == SpanType.Unknown && First(table => table.Types.FirstOrDefault(row => row.Fits(_source))?.Type) is { } mapped)
            {
                type = mapped;
                _mapped.Add(new(AttributeNames.SpanType, StoredJson.Quote(type)));
            }

            var inputs = Value(AttributeNames.Inputs, table => table.Inputs);
            var outputs = Value(AttributeNames.Outputs, table => table.Outputs);
            if (inputs is not null && inputs.StartsWith("{\"messages\"", StringComparison.Ordinal) && _span[AttributeNames.MessageFormat] is null)
            {
                _mapped.Add(new(AttributeNames.MessageFormat, "\"openai\""));
            }

            Value(AttributeNames.ChatTools, table => table.Tools);
            Text(AttributeNames.Model, table => table.Models);
            if (type is SpanType.Llm or SpanType.ChatModel or SpanType.Embedding && _span[AttributeNames.Model] is null && !_mapped.Exists(a => a.Key == AttributeNames.Model)
                && (StoredJson.TopLevelString(inputs, "model") ?? StoredJson.TopLevelString(outputs, "model")) is { Length: > 0 } model)
            {
                _mapped.Add(new(AttributeNames.Model, StoredJson.Quote(model)));
            }

            Text(AttributeNames.Provider, table => table.Providers, Provider);
            Usage();
            Value(AttributeNames.Cost, table => table.Costs);
            FirstToken();

            // The Responses API's conversation is the answer before, another one each turn.
            Text(ForeignAttributes.SessionId, table => table.Sessions, session => session.StartsWith("resp_", StringComparison.Ordinal) ? null : session);
            Text(ForeignAttributes.UserId, table => table.Users);
            var (status, message) = Error();
            if (_mapped.Count == 0 && status == _span.Status && message == _span.StatusMessage)
            {
                return _span;
            }

            _mapped.Add(new(Stamp, ChatJson.Write(writer =>
            {
                writer.WriteNumber("version", Version);
                writer.WriteStartArray("conventions");
                foreach (var name in _names)
                {
                    writer.WriteStringValue(name);
                }

                writer.WriteEndArray();
            })));
            return _span with { Type = type, Status = status, StatusMessage = message, Attributes = Join(_span.Attributes, _mapped), Mapped = _mapped };
        }

        // The AI SDK adds the kind of its client: openai.chat, openai.responses. LangSmith names itself where it does not know.
        private static string? Provider(string provider) =>
            provider == "langchain" ? null : provider.Split('.') is [var name, "chat" or "responses" or "completion" or "embedding" or "image" or "speech" or "transcription" or "messages"] ? name : provider.ToLowerInvariant();

        private T? First<T>(Func<ConventionTable, T?> read)
            where T : class
        {
            foreach (var table in _tables)
            {
                if (Try(() => read(table)) is { } value)
                {
                    _names.Add(table.Name);
                    return value;
                }
            }

            return null;
        }

        private string? Value(string target, Func<ConventionTable, IReadOnlyList<ValueRow>> rows)
        {
            if (_span[target] is not (null or "null") || First(table => rows(table).Select(row => Try(() => row.Read(_source, row.Key))).FirstOrDefault(value => value is not null)) is not { } json)
            {
                return null;
            }

            _mapped.Add(new(target, json));
            return json;
        }

        private void Text(string target, Func<ConventionTable, IReadOnlyList<string>> keys, Func<string, string?>? change = null)
        {
            if (_span[target] is null
                && First(table => keys(table).Select(_source.Text).FirstOrDefault(text => text is not null)) is { } found
                && (change is null ? found : change(found)) is { } text)
            {
                _mapped.Add(new(target, StoredJson.Quote(text)));
            }
        }

        private void Usage()
        {
            if (_span[AttributeNames.TokenUsage] is not null || Try(() => TokenUsage.Read(_source, _tables)) is not { } usage)
            {
                return;
            }

            foreach (var table in _tables.Where(table => table.Usage.Any(row => _source.Json(row.Key) is not null)).Take(1))
            {
                _names.Add(table.Name);
            }

            _mapped.Add(new(AttributeNames.TokenUsage, usage.ToJson()));
            if (_span[AttributeNames.UsageBuckets] is null && usage.ToBuckets() is { } buckets)
            {
                _mapped.Add(new(AttributeNames.UsageBuckets, buckets));
            }
        }

        private void FirstToken()
        {
            if (_span[AttributeNames.TimeToFirstToken] is not null)
            {
                return;
            }

            foreach (var (key, factor) in _tables.SelectMany(table => table.FirstTokens))
            {
                if (double.TryParse(_source.Text(key), NumberStyles.Float, CultureInfo.InvariantCulture, out var time) && time >= 0 && double.IsFinite(time * factor))
                {
                    _mapped.Add(new(AttributeNames.TimeToFirstToken, (time * factor).ToString("0.###", CultureInfo.InvariantCulture)));
                    return;
                }
            }
        }

        private (SpanStatus Status, string? Message) Error()
        {
            foreach (var row in _span.Status == SpanStatus.Error ? [] : _tables.Where(table => _names.Contains(table.Name)).SelectMany(table => table.Errors))
            {
                var exception = _span.Events.LastOrDefault(e => e.Name == AttributeNames.ExceptionEvent);
                var isError = row.Key is null ? exception is not null : Try(() => _source.Text(row.Key)) is { } value && (row.Value is null || row.Value == value);
                if (isError && (_span.Status == SpanStatus.Unset || row.OverridesOk))
                {
                    var message = (row.MessageKey is null ? null : Try(() => _source.Text(row.MessageKey)))
                        ?? exception?.Attributes.Where(a => a.Key == AttributeNames.ExceptionMessage).Select(a => StoredJson.String(a.Value)).FirstOrDefault();
                    return (SpanStatus.Error, message ?? _span.StatusMessage);
                }
            }

            return (_span.Status, _span.StatusMessage);
        }

        /// <summary>What a stranger wrote may be anything; what cannot be read is absent, and the rest of the span is mapped.</summary>
        private static T? Try<T>(Func<T?> read)
            where T : class
        {
            try
            {
                return read();
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
            {
                return null;
            }
        }
    }
}
