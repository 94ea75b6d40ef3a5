using System.CommandLine;
using System.Text.Json;
using MLflow.Cli.Commands;
using MLflow.Cli.Output;
using MLflow.Cli.Tracking;
using MLflow.Server.Traces.Filters;

namespace MLflow.Cli.Traces;

/// <summary><c>mlflow traces search</c></summary>
internal sealed class SearchTracesCommand : Command
{
    private const int DefaultMaxResults = 100;

    private readonly TrackingOptionSet _tracking = new();
    private readonly TraceExperimentOptionSet _experiments = new();
    private readonly Option<string?> _filter = new("--filter-string") { Description = "MLflow's filter, for example: trace.status = 'ERROR' AND tags.tier = 'gold'", HelpName = "FILTER" };
    private readonly Option<int> _maxResults = new("--max-results") { Description = "At most so many.", DefaultValueFactory = _ => DefaultMaxResults, HelpName = "N" };
    private readonly Option<string[]> _orderBy = new("--order-by") { Description = "For example: execution_time_ms DESC. May be given several times, or as a list with commas. Without it the newest come first.", HelpName = "COLUMN" };
    private readonly Option<string?> _pageToken = new("--page-token") { Description = "Goes on where a search with the same filter and order ended (next_page_token).", HelpName = "TOKEN" };
    private readonly Option<string?> _runId = new("--run-id") { Description = "Only traces of this run.", HelpName = "ID" };
    private readonly Option<bool> _noSpans = new("--no-include-spans") { Description = "Without the spans, which cost requests of their own; a table has no names then of traces that came by OTLP." };
    private readonly Option<OutputFormat> _output = OutputOption.Create();

    public SearchTracesCommand()
        : base("search", "Lists traces.")
    {
        _experiments.AddTo(this);
        Add(_filter);
        Add(_maxResults);
        Add(_orderBy);
        Add(_pageToken);
        Add(_runId);
        Add(_noSpans);
        Add(_output);
        _tracking.AddTo(this);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var left = parsed.GetValue(_maxResults);
        if (left < 1)
        {
            throw CommandException.WrongUse($"--max-results {left} is not possible: it must be 1 or more");
        }

        using var target = TrackingTarget.Connect(_tracking, parsed);
        var source = new TraceSource(target.Api);
        var query = new TraceQuery(
            await _experiments.IdsAsync(parsed, target.Api, cancellationToken),
            Filter(parsed),
            [.. (parsed.GetValue(_orderBy) ?? []).SelectMany(columns => columns.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))],
            Math.Min(left, TraceQuery.MaxPageSize),
            parsed.GetValue(_pageToken));
        var found = new List<JsonElement>();
        string? next;
        do
        {
            var page = await source.SearchAsync(query with { PageSize = Math.Min(left, TraceQuery.MaxPageSize) }, cancellationToken);
            found.AddRange(page.Infos.Take(left));
            left -= page.Infos.Count;
            next = page.NextPageToken;
            query = query with { PageToken = next };
        }
        while (next is not null && left > 0);

        if (parsed.GetValue(_output) == OutputFormat.Table)
        {
            await TraceOutput.WriteTableAsync(found, parsed.GetValue(_noSpans) ? [] : await source.RootNamesAsync(found.Where(info => TraceOutput.NameOf(info) is null).Select(info => TraceReader.IdOf(info)!), cancellationToken));
            if (next is not null)
            {
                await Console.Error.WriteLineAsync($"There are more: --page-token {next}");
            }

            return 0;
        }

        await WriteJsonAsync(source, found, next, withSpans: !parsed.GetValue(_noSpans), cancellationToken);
        return 0;
    }

    private string? Filter(ParseResult parsed)
    {
        var filter = parsed.GetValue(_filter);
        if (parsed.GetValue(_runId) is not { } run)
        {
            return filter;
        }

        return run.Contains('\'', StringComparison.Ordinal)
            ? throw CommandException.WrongUse($"--run-id {run} has a quote in it; ids of runs are letters and digits")
            : FilterText.And(filter, $"attribute.run_id = '{run}'");
    }

    /// <summary>Written as it comes: the spans of ten traces are in memory, not those of all.</summary>
    private static async Task WriteJsonAsync(TraceSource source, List<JsonElement> found, string? next, bool withSpans, CancellationToken cancellationToken)
    {
        await using var output = StandardOutput.Open();
        await using var json = new Utf8JsonWriter(output, StandardOutput.Indented);
        json.WriteStartObject();
        json.WriteStartArray("traces");
        foreach (var batch in found.Chunk(TraceSource.Batch))
        {
            IReadOnlyList<TraceDocument> traces = withSpans
                ? await source.GetAsync([.. batch.Select(info => TraceReader.IdOf(info)!)], cancellationToken)
                : [.. batch.Select(info => new TraceDocument(info, []))];
            foreach (var trace in traces)
            {
                trace.Write(json);
            }

            await json.FlushAsync(cancellationToken);
        }

        json.WriteEndArray();
        json.WriteString("next_page_token", next);
        json.WriteEndObject();
        await json.FlushAsync(cancellationToken);
        await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
    }
}
