using System.Globalization;
using MLflow.Server.Assessments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public abstract partial class TraceStoreConformance
{
    private const int Filters = 500;

    private protected abstract IAssessmentStore Assessments { get; }

    [Fact]
    public async Task Search_RandomFilters_AgreeWithTheReference()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var traces = await StoreSomeAsync(random);
        var filters = new RandomFilter(random);
        var (some, none) = (0, 0);
        for (var i = 0; i < Filters; i++)
        {
            var (filter, matches) = filters.Valid();
            var (orderBy, ordered) = Order(random, traces);
            var expected = ordered.Where(matches).Select(trace => trace.Id).ToList();
            var query = new TraceQuery { ExperimentIds = [0], Filter = filter, OrderBy = orderBy, PageSize = random.Next(3) == 0 ? 7 : 100 };
            var found = new List<string>();
            var said = $"seed {seed}, filter {i}: {filter} ORDER BY {string.Join(", ", orderBy)}";
            try
            {
                do
                {
                    var page = await Store.SearchAsync(query, Cancellation);
                    found.AddRange(page.Traces.Select(trace => trace.TraceId));
                    query = query with { PageToken = page.NextPageToken };
                }
                while (query.PageToken is not null);

                Assert.Equal(expected.Count, await Store.CountAsync(query with { PageToken = null }, 1000, Cancellation));
            }
            catch (Exception e)
            {
                Assert.Fail($"{said}: {e}");
            }

            Assert.True(expected.SequenceEqual(found), $"{said}\nexpected {string.Join(' ', expected)}\nfound    {string.Join(' ', found)}");
            _ = expected.Count > 0 && expected.Count < traces.Count ? some++ : none++;
        }

        // Filters that find nothing, or everything, would agree with anything.
        Assert.True(some > Filters / 2, $"seed {seed}: only {some} filters tell traces apart");
    }

    [Fact]
    public async Task Search_RandomWrongFilters_AreRefusedWhereTheyAreWrong()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var filters = new RandomFilter(new Random(seed));
        for (var i = 0; i < Filters; i++)
        {
            var (filter, message, position) = filters.Invalid();
            var exception = await Record.ExceptionAsync(() => Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation));

            var said = $"seed {seed}, filter {i}: {filter}\nexpected {message} at {position}\nfound    {exception}";
            Assert.True(exception is MlflowException { ErrorCode: ErrorCode.INVALID_PARAMETER_VALUE }, said);
            Assert.True(exception.Message.StartsWith(message, StringComparison.Ordinal) && exception.Message.EndsWith($"(at position {position})", StringComparison.Ordinal), said);
        }
    }

    private static (IReadOnlyList<string> OrderBy, IEnumerable<ReferenceTrace> Ordered) Order(Random random, List<ReferenceTrace> traces)
    {
        (string Key, Func<ReferenceTrace, IComparable?> Value)[] keys =
        [
            ("timestamp_ms", trace => trace.TimeMs), ("execution_time", trace => trace.DurationMs), ("end_time", trace => trace.TimeMs + trace.DurationMs),
            ("status", trace => trace.State), ("name", trace => trace.Name), ("attribute.request_id", trace => trace.Id),
            ("tags.k", trace => trace.Tags.GetValueOrDefault("k")), ("metadata.`mlflow.trace.session`", trace => trace.Metadata.GetValueOrDefault("mlflow.trace.session")),
            ("run_id", trace => trace.Metadata.GetValueOrDefault("mlflow.sourceRun")), ("trace.cost", trace => trace.Cost), ("tokens", trace => trace.Tokens),
        ];
        var chosen = random.GetItems(keys, random.Next(3)).DistinctBy(key => key.Key).Select(key => (key.Key, key.Value, Descending: random.Next(2) == 0)).ToList();
        var comparer = Comparer<IComparable?>.Create((left, right) => left is string text ? string.CompareOrdinal(text, (string?)right) : left!.CompareTo(right));
        var ordered = traces.OrderBy(_ => 0);
        foreach (var (_, value, descending) in chosen)
        {
            ordered = ordered.ThenBy(trace => value(trace) is null);
            ordered = descending ? ordered.ThenByDescending(value, NullsAside(comparer)) : ordered.ThenBy(value, NullsAside(comparer));
        }

        return ([.. chosen.Select(key => key.Key + (key.Descending ? " DESC" : random.Next(2) == 0 ? "" : " asc"))], ordered.ThenByDescending(trace => trace.TimeMs).ThenBy(trace => trace.Id, StringComparer.Ordinal));
    }

    private static Comparer<IComparable?> NullsAside(Comparer<IComparable?> comparer) =>
        Comparer<IComparable?>.Create((left, right) => left is null || right is null ? 0 : comparer.Compare(left, right));

    private async Task<List<ReferenceTrace>> StoreSomeAsync(Random random)
    {
        string? Maybe(string[] values) => random.Next(3) == 0 ? null : values[random.Next(values.Length)];
        Dictionary<string, string> Pairs(string[] keys, string[] values) => keys.Select(key => (key, value: Maybe(values))).Where(pair => pair.value is not null).ToDictionary(pair => pair.key, pair => pair.value!);
        string[] json = ["\"ask\"", "true", "5", "5.0", "2.5", "[1, 2]", "\"東京 trip\"", "{\"o\": \"k\"}", "\"say \\\"a\\\"\"", "null"];
        var traces = new List<ReferenceTrace>();
        var ofSessions = new List<(string Session, string Type, string Name, string Json)>();
        for (var i = 0; i < 60; i++)
        {
            var otelId = $"{i:x32}";
            var id = $"tr-{i}";
            var spans = Enumerable.Range(0, random.Next(4)).Select(_ => new ReferenceSpan(
                ReferenceTrace.Texts[random.Next(ReferenceTrace.Texts.Length)], random.Next(2) == 0 ? "TOOL" : "CHAIN", random.Next(3) switch { 0 => "OK", 1 => "ERROR", _ => "UNSET" },
                Pairs(["k", "n", "my key", "o"], json))).ToList();

            // Told by a call, which therefore has it among its attributes.
            var cost = spans.Count > 0 && random.Next(2) == 0 ? random.GetItems([0.0105, 2.5, 0.1, 0], 1)[0] : (double?)null;
            long? tokens = cost is null || random.Next(3) == 0 ? null : random.GetItems([0L, 5, 70], 1)[0];
            if (cost is { } dollars)
            {
                spans[^1] = spans[^1] with
                {
                    Attributes = new Dictionary<string, string>(spans[^1].Attributes) { ["mlflow.llm.cost"] = string.Create(CultureInfo.InvariantCulture, $$"""{"input_cost": {{dollars}}, "output_cost": 0, "total_cost": {{dollars}}}""") },
                };
            }

            // Of a call whose cost is told, or its price would be looked for and noted.
            if (tokens is { } count)
            {
                spans[^1] = spans[^1] with
                {
                    Attributes = new Dictionary<string, string>(spans[^1].Attributes) { ["mlflow.chat.tokenUsage"] = string.Create(CultureInfo.InvariantCulture, $$"""{"input_tokens": {{count}}, "output_tokens": 0, "total_tokens": {{count}}}""") },
                };
            }

            // The first third was written long ago.
            if (i == 20)
            {
                Clock.Advance(AnHour * 2);
            }
            var trace = new ReferenceTrace
            {
                Id = id,
                TimeMs = SomeTrace.StartMs + random.Next(5),
                DurationMs = random.Next(4) == 0 ? null : random.Next(5),
                State = random.Next(3) switch { 0 => "OK", 1 => "ERROR", _ => i < 20 ? "INTERRUPTED" : "IN_PROGRESS" },
                Cost = cost,
                Tokens = tokens,
                ClientRequestId = Maybe(ReferenceTrace.Texts),
                Name = Maybe(ReferenceTrace.Texts),
                Tags = Pairs(["k", "my key"], ReferenceTrace.Texts),
                Metadata = Pairs(["m", "mlflow.trace.session", "mlflow.sourceRun"], ReferenceTrace.Texts),
                LinkedRuns = [.. Enumerable.Range(0, random.Next(3)).Select(_ => ReferenceTrace.Texts[random.Next(ReferenceTrace.Texts.Length)]).Distinct()],
                Prompts = random.Next(2) == 0 ? [] : ["p/1", "p/" + random.Next(3)],
                Spans = spans,
                Previews = [Maybe(ReferenceTrace.Texts), Maybe(ReferenceTrace.Texts)],
                Assessments = [.. Enumerable.Range(0, random.Next(4)).Select(_ => (random.Next(2) == 0 ? "feedback" : "expectation", random.Next(2) == 0 ? "good" : "my score", json[random.Next(json.Length)]))],
            };
            traces.Add(trace);

            // A state that is not final, a duration that is absent and a name are derived from spans with a root; these have parents.
            var records = spans.Select((span, number) => SomeTrace.Span(otelId, number + 2, parent: 1, span.Name, span.Type, Enum.Parse<SpanStatus>(span.Status, ignoreCase: true), durationMs: 1) with
            {
                TraceId = id,
                Attributes = [.. span.Attributes],
            }).ToList();
            var tags = new Dictionary<string, string>(trace.Tags);
            if (trace.Name is { } name)
            {
                tags["mlflow.traceName"] = name;
            }

            if (trace.Prompts.Count > 0)
            {
                tags["mlflow.linkedPrompts"] = "[" + string.Join(", ", trace.Prompts.Select(prompt => $$"""{"name": "{{prompt.Split('/')[0]}}", "version": "{{prompt.Split('/')[1]}}"}""")) + "]";
            }

            var info = new TraceInfo
            {
                TraceId = id,
                ExperimentId = 0,
                RequestTimeMs = trace.TimeMs,
                DurationMs = trace.DurationMs,
                State = trace.State switch { "OK" => TraceState.Ok, "ERROR" => TraceState.Error, _ => TraceState.InProgress },
                ClientRequestId = trace.ClientRequestId,
                RequestPreview = trace.Previews[0],
                ResponsePreview = trace.Previews[1],
                Tags = tags,
                Metadata = trace.Metadata,
            };
            await Store.WriteAsync(new TraceBatch { Infos = [info], Spans = records }, Cancellation);
            // Some are in the text index, some wait, and some were in it before they waited again.
            if (i % 16 == 15)
            {
                await Index.IndexAsync(now: true, Cancellation);
            }

            foreach (var run in trace.LinkedRuns)
            {
                await Store.LinkToRunAsync([id], run, Cancellation);
            }

            for (var number = 0; number < trace.Assessments.Count; number++)
            {
                var (type, of, value) = trace.Assessments[number];
                await AssessAsync($"a-{i}-{number}", id, type, of, value, session: null);
            }

            // Two that nobody sees: an invalid one, and now and then one that is of the whole session.
            await AssessAsync($"a-{i}-invalid", id, "feedback", "good", "\"invalid\"", session: null, isValid: false);
            if (trace.Metadata.TryGetValue("mlflow.trace.session", out var session) && random.Next(3) == 0)
            {
                ofSessions.Add((session, "feedback", "my score", json[random.Next(json.Length)]));
                await AssessAsync($"a-{i}-session", id, "feedback", "my score", ofSessions[^1].Json, session);
            }
        }

        return traces.ConvertAll(trace => trace with
        {
            Assessments = [.. trace.Assessments, .. ofSessions.Where(item => item.Session == trace.Metadata.GetValueOrDefault("mlflow.trace.session")).Select(item => (item.Type, item.Name, item.Json))],
        });
    }

    private Task AssessAsync(string id, string traceId, string type, string name, string json, string? session, bool isValid = true) => Assessments.CreateAsync(
        new AssessmentRecord
        {
            AssessmentId = id,
            TraceId = traceId,
            Name = name,
            Type = type == "feedback" ? AssessmentType.Feedback : AssessmentType.Expectation,
            Value = json,
            SourceType = "HUMAN",
            SourceId = "bob",
            Metadata = session is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["mlflow.trace.session"] = session },
            CreateTimeMs = SomeTrace.StartMs,
            LastUpdateTimeMs = SomeTrace.StartMs,
            IsValid = isValid,
        },
        Cancellation);
}
