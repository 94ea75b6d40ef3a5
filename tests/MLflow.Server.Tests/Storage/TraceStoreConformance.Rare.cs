using MLflow.Server.Assessments;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <content>Searches that begin from the few traces that an index finds, and those that go through all because it finds many.</content>
public abstract partial class TraceStoreConformance
{
    /// <summary>More than an index takes of a text.</summary>
    private static readonly string Long = new('é', 150);

    [Fact]
    public async Task Search_ValuesOfFewAmongMany_FindsThemInEachOrderPageByPage()
    {
        var other = await Experiments.CreateAsync("elsewhere", null, new Dictionary<string, string>(), Cancellation);
        var many = Enumerable.Range(0, FewTraces.Max + 20).Select(i => Rare($"many-{i:0000}", i, "many", Long + "many")).ToList();
        var few = Enumerable.Range(0, 7).Select(i => Rare($"few-{i}", i * 90, "few", Long + "few")).ToList();
        var elsewhere = Enumerable.Range(0, 3).Select(i => Rare($"elsewhere-{i}", i, "few", Long + "few", other.ExperimentId)).ToList();
        foreach (var chunk in many.Concat(few).Concat(elsewhere).Chunk(300))
        {
            await Store.WriteAsync(new TraceBatch { Spans = [.. chunk.Select(trace => trace.Span)], Infos = [.. chunk.Select(trace => trace.Info)] }, Cancellation);
        }

        string Ids(List<(TraceInfo Info, SpanRecord Span)> traces) => string.Join(' ', traces.Select(trace => trace.Info.TraceId).Order(StringComparer.Ordinal));
        foreach (var (filter, expected) in ((string, List<(TraceInfo Info, SpanRecord Span)>)[])
            [
                ("tags.v = 'few'", few),
                ("tags.v = 'many'", many),
                ("tags.v = 'none'", []),
                ($"tags.long = '{Long}few'", few),
                ($"tags.long = '{Long}none'", []),
                ("metadata.v = 'few'", few),
                ("metadata.mlflow.trace.user = 'few'", few),
                ("metadata.mlflow.source.type = 'few'", few),
                ("metadata.mlflow.trace.session = 'few' OR tags.v = 'none'", few),
                ("metadata.mlflow.trace.session = 'few' AND tags.v = 'many'", []),
                ("name = 'few'", few),
                ("status = 'ERROR'", few),
                ("status = 'ERROR' OR tags.v = 'none'", few),
                ("span.name = 'few-span'", few),
                ("span.name IN ('few-span', 'none')", few),
                ("span.status = 'ERROR'", few),
                ("span.status = 'ERROR' AND span.name = 'many-span'", []),
                ("feedback.v = 'few'", few),
                ("feedback.v = 'many'", many),
                ("feedback.few IS NOT NULL", few),
                ("expectation.few = '7.0'", few),
                ("expectation.few != '7'", []),
                ("issue.id = 'few'", few),
                ("tags.v = 'many' AND feedback.v = 'few'", []),
                ("tags.all = 'all' AND span.name = 'few-span' AND metadata.v = 'few'", few),
                ("tags.v = 'few' OR span.name = 'none' OR feedback.v = 'none'", few),
                ("tags.v = 'few' OR tags.v = 'many'", [.. few, .. many]),
                ("(tags.v = 'few' OR tags.v = 'many') AND name = 'few'", few),
                ("tags.all = 'all' AND NOT tags.v = 'many'", few),
                ("NOT tags.v = 'few' AND NOT span.name = 'few-span'", many),
                ("tags.v = 'few' AND trace.text LIKE '%word of few%'", few),
                ("tags.v = 'few' AND NOT span.attributes.said LIKE '%word%'", []),
                ("tags.v = 'few' AND trace.text LIKE '%word of many%'", []),
            ])
        {
            var query = new TraceQuery { ExperimentIds = [0], Filter = filter, PageSize = 500 };
            Assert.Equal((filter, Ids(expected)), (filter, string.Join(' ', (await AllAsync(query)).Order(StringComparer.Ordinal))));
            Assert.Equal((filter, expected.Count), (filter, await Store.CountAsync(query, 5000, Cancellation)));
        }

        Assert.Equal(Ids(elsewhere), string.Join(' ', await AllAsync(new TraceQuery { ExperimentIds = [other.ExperimentId], Filter = "tags.v = 'few'", OrderBy = ["request_id"] })));

        // Times, durations and colours have ties, so that each order ends in the ids.
        foreach (var order in (string[])["timestamp_ms DESC", "timestamp_ms ASC", "execution_time DESC", "tags.color", "tags.color DESC", "request_id DESC"])
        {
            foreach (var filter in (string[])["tags.v = 'few'", "feedback.v = 'few'", "name = 'few' AND metadata.v = 'few'"])
            {
                var query = new TraceQuery { ExperimentIds = [0], Filter = filter, OrderBy = [order], PageSize = 2 };
                var expected = (await AllAsync(query with { Filter = "request_id LIKE 'tr-few-%'", PageSize = 500 })).ToList();
                Assert.Equal((order, string.Join(' ', expected)), (order, string.Join(' ', await AllAsync(query))));
                Assert.Equal(few.Count, expected.Count);
            }
        }
    }

    private async Task<IReadOnlyList<string>> AllAsync(TraceQuery query)
    {
        var found = new List<string>();
        do
        {
            var page = await Store.SearchAsync(query, Cancellation);
            found.AddRange(page.Traces.Select(trace => trace.TraceId));
            query = query with { PageToken = page.NextPageToken };
        }
        while (query.PageToken is not null);
        return found;
    }

    private static (TraceInfo Info, SpanRecord Span) Rare(string id, int number, string value, string text, long experimentId = 0)
    {
        var traceId = "tr-" + id;
        var info = new TraceInfo
        {
            TraceId = traceId,
            ExperimentId = experimentId,
            RequestTimeMs = StartMs + (number / 2),
            DurationMs = number % 3,
            State = value == "few" ? TraceState.Error : TraceState.Ok,
            Tags = new Dictionary<string, string> { ["v"] = value, ["all"] = "all", ["long"] = text, ["color"] = number % 4 == 0 ? "red" : "blue", ["mlflow.traceName"] = value },
            Metadata = new Dictionary<string, string>
            {
                ["v"] = value,
                ["mlflow.trace.user"] = value,
                ["mlflow.trace.session"] = value,
                ["mlflow.source.type"] = value,
            },
            Assessments =
            [
                Said("v", AssessmentType.Feedback, $"\"{value}\""),
                Said(value, AssessmentType.Feedback, "true"),
                Said(value, AssessmentType.Expectation, "7"),
                Said(value, AssessmentType.Issue, "{}"),
            ],
        };
        var span = Span(NewOtelId(), 2, parent: 1, name: value + "-span", status: value == "few" ? SpanStatus.Error : SpanStatus.Ok, attributes: [("said", $"\"a word of {value}\"")]);
        return (info, span with { TraceId = traceId });

        AssessmentRecord Said(string name, AssessmentType type, string json) => new()
        {
            AssessmentId = $"{type}-{name}-{traceId}",
            TraceId = traceId,
            Name = name,
            Type = type,
            Value = json,
            SourceType = "HUMAN",
            CreateTimeMs = StartMs,
            LastUpdateTimeMs = StartMs,
        };
    }
}
