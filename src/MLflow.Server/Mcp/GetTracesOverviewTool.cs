using System.Text.Json;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Mcp;

/// <summary><c>get_traces_overview</c></summary>
internal sealed class GetTracesOverviewTool : ReadTool
{
    private const int MaxGroups = 100;

    private static readonly MetricAggregation Count = new(MetricAggregationType.Count);
    private static readonly MetricAggregation Sum = new(MetricAggregationType.Sum);
    private static readonly MetricAggregation Average = new(MetricAggregationType.Avg);
    private static readonly MetricAggregation[] Latencies = [Average, Percentile(50), Percentile(90), Percentile(95), Percentile(99)];

    public GetTracesOverviewTool(IToolSource source, int maxBytes)
        : base(
            source,
            maxBytes,
            "get_traces_overview",
            "Overview of traces",
            "Figures of an experiment's traces in a range of time: how many by state, latency in milliseconds (average and percentiles), tokens, cost in US dollars; calls, errors and cost by model; errors by span; latency by trace name; "
                + "with interval_seconds also traces and errors over time.",
            ToolParameters.ExperimentId,
            new("start_time", ToolParameterType.Text, "Traces that began then or later: a time like 2026-11-27T05:00:00Z, or milliseconds since 1970. Without it: from the first on."),
            new("end_time", ToolParameterType.Text, "Traces that began then or earlier. Without it: to the last."),
            new("interval_seconds", ToolParameterType.Number, "Length of the steps over time, for example 3600; needs start_time and end_time. 0: none."))
    {
    }

    protected override async Task AnswerAsync(ToolArguments arguments, ToolAnswer answer, CancellationToken cancellationToken)
    {
        var all = new MetricQuery
        {
            ExperimentIds = [arguments.ExperimentId("experiment_id")!.Value],
            View = MetricView.Traces,
            Metric = "trace_count",
            Aggregations = [Count],
            StartMs = arguments.TimeMs("start_time"),
            EndMs = arguments.TimeMs("end_time"),
            PageSize = MetricQuery.MaxPageSize,
        };
        var interval = arguments.Number("interval_seconds");
        if (interval > 0 && (all.StartMs is null || all.EndMs is null))
        {
            throw ToolArguments.Invalid("'interval_seconds' needs start_time and end_time");
        }

        var states = await QueryAsync(all with { Dimensions = ["trace_status"] }).ConfigureAwait(false);
        var sessions = await ValueAsync("session_count", Count).ConfigureAwait(false);
        var latency = (await QueryAsync(all with { Metric = "latency", Aggregations = Latencies }).ConfigureAwait(false)).SingleOrDefault();
        var tokens = new List<(string Name, double? Value)>();
        foreach (var name in (string[])["input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens"])
        {
            tokens.Add((name, await ValueAsync(name, Sum).ConfigureAwait(false)));
        }

        var spans = all with { View = MetricView.Spans };
        var cost = (await QueryAsync(spans with { Metric = "total_cost", Aggregations = [Sum] }).ConfigureAwait(false)).SingleOrDefault();
        answer.Write(json =>
        {
            json.WriteNumber("traces", states.Sum(state => Value(state, Count)));
            json.WriteStartObject("by_state");
            foreach (var state in states)
            {
                json.WriteNumber(state.Dimensions["trace_status"], Value(state, Count));
            }

            json.WriteEndObject();
            Figure(json, "sessions", sessions);
            if (latency is not null)
            {
                json.WriteStartObject("latency_ms");
                WriteValues(json, latency, Latencies);
                json.WriteEndObject();
            }

            foreach (var (name, value) in tokens)
            {
                Figure(json, name, value);
            }

            Figure(json, "cost_usd", cost is null ? null : Value(cost, Sum));
        });
        await AddModelsAsync(spans).ConfigureAwait(false);
        var failed = await QueryAsync(spans with { Metric = "span_count", Dimensions = ["span_name"], Filters = [new MetricFilter("span", "status", null, "ERROR")] }).ConfigureAwait(false);
        Add("errors_by_span", failed.OrderByDescending(point => Value(point, Count)), (json, point) =>
        {
            json.Text("span_name", point.Dimensions["span_name"], 300);
            json.WriteNumber("errors", Value(point, Count));
        });
        var named = await QueryAsync(all with { Metric = "latency", Aggregations = Latencies, Dimensions = ["trace_name"] }).ConfigureAwait(false);
        Add("latency_ms_by_trace_name", named.OrderByDescending(point => Value(point, Latencies[3])), (json, point) =>
        {
            json.Text("trace_name", point.Dimensions["trace_name"], 300);
            WriteValues(json, point, Latencies);
        });
        if (interval > 0)
        {
            await AddTimesAsync(interval).ConfigureAwait(false);
        }

        async Task<IReadOnlyList<MetricPoint>> QueryAsync(MetricQuery query) => await Source.QueryMetricsAsync(query, cancellationToken).ConfigureAwait(false);

        async Task<double?> ValueAsync(string metric, MetricAggregation aggregation) =>
            (await QueryAsync(all with { Metric = metric, Aggregations = [aggregation] }).ConfigureAwait(false)).SingleOrDefault() is { } point ? Value(point, aggregation) : null;

        async Task AddModelsAsync(MetricQuery spans)
        {
            var calls = await QueryAsync(spans with { Metric = "span_count", Dimensions = ["span_model_name", "span_status"] }).ConfigureAwait(false);
            var costs = (await QueryAsync(spans with { Metric = "total_cost", Aggregations = [Sum], Dimensions = ["span_model_name"] }).ConfigureAwait(false))
                .ToDictionary(point => point.Dimensions["span_model_name"], point => Value(point, Sum));
            var models = calls.GroupBy(point => point.Dimensions["span_model_name"]).OrderByDescending(model => model.Sum(point => Value(point, Count)));
            Add("by_model", models, (json, model) =>
            {
                json.Text("model", model.Key, 300);
                json.WriteNumber("calls", model.Sum(point => Value(point, Count)));
                json.WriteNumber("errors", model.Where(point => point.Dimensions["span_status"] == "ERROR").Sum(point => Value(point, Count)));
                Figure(json, "cost_usd", costs.TryGetValue(model.Key, out var usd) ? usd : null);
            });
        }

        async Task AddTimesAsync(int seconds)
        {
            var points = await QueryAsync(all with { Dimensions = ["trace_status"], IntervalSeconds = seconds }).ConfigureAwait(false);
            Add("over_time", points.GroupBy(point => point.Dimensions["time_bucket"]), (json, bucket) =>
            {
                json.WriteString("from", bucket.Key);
                json.WriteNumber("traces", bucket.Sum(point => Value(point, Count)));
                json.WriteNumber("errors", bucket.Where(point => point.Dimensions["trace_status"] == "ERROR").Sum(point => Value(point, Count)));
            });
        }

        void Add<T>(string list, IEnumerable<T> rows, Action<Utf8JsonWriter, T> write)
        {
            var left = rows.ToList();
            answer.Begin(list);

            // Each leaves room for the lists behind it.
            var shown = left.Take(MaxGroups).TakeWhile(row => answer.TryAdd(
                list,
                json =>
                {
                    json.WriteStartObject();
                    write(json, row);
                    json.WriteEndObject();
                },
                keepFree: list == "over_time" ? 0 : answer.Room / 2)).Count();
            if (shown < left.Count)
            {
                answer.More($"{left.Count - shown} of {left.Count} rows of {list} are left out: ask for a shorter time{(list == "over_time" ? " or longer steps" : "")}.");
            }
        }
    }

    private static MetricAggregation Percentile(int percentile) => new(MetricAggregationType.Percentile, percentile);

    private static double Value(MetricPoint point, MetricAggregation aggregation) => point.Values.GetValueOrDefault(aggregation.Name);

    private static void WriteValues(Utf8JsonWriter json, MetricPoint point, MetricAggregation[] aggregations)
    {
        foreach (var aggregation in aggregations)
        {
            json.WriteNumber(aggregation.Type == MetricAggregationType.Avg ? "average" : "p" + aggregation.Percentile, Math.Round(Value(point, aggregation), 1));
        }
    }

    private static void Figure(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}
