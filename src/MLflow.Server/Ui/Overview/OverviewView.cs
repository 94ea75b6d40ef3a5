using System.Globalization;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Overview;

/// <summary>What the overview page says and draws.</summary>
public sealed class OverviewView
{
    private const int MostWithoutRuns = 10;
    private readonly Traces.Analysis.Overview _overview;
    private readonly IReadOnlyList<OverviewFigures> _buckets;

    /// <param name="overview">The figures.</param>
    /// <param name="range">Their time.</param>
    /// <param name="habits">How models used their tools; null where that is not known.</param>
    public OverviewView(Traces.Analysis.Overview overview, OverviewRange range, ToolHabits? habits = null)
    {
        _overview = overview;
        Habits = habits;
        Range = range;
        _buckets = [.. Enumerable.Range(0, range.Buckets).Select(i => overview.Buckets.GetValueOrDefault(i) ?? OverviewFigures.None)];
        Chart = new LaneChart(overview.Query.StartMs, range, Rest, [Traces(), Latency(), FirstToken(), Tokens(), Cost(), Users()]);
    }

    public OverviewRange Range { get; }

    public OverviewFigures Total => _overview.Total;

    public IReadOnlyList<ModelFigures> Models => _overview.Models;

    public IReadOnlyList<ToolFigures> Tools => _overview.Tools;

    public ToolHabits? Habits { get; }

    /// <summary>Tools that models asked for with wrong arguments, or never, and of which no run is known.</summary>
    public IEnumerable<string> ToolsWithoutRuns => Habits is null ? [] : Habits.Misused.Concat(Habits.NeverCalled).Except(Tools.Select(tool => tool.Tool), StringComparer.Ordinal).Take(MostWithoutRuns);

    public FailureCluster? Worst => _overview.Worst;

    public LaneChart Chart { get; }

    /// <summary>The piece at which the cross-hair rests: the worst, else the newest that has traces, else the newest.</summary>
    public int Rest => Worst?.Bucket ?? (_buckets.ToList().FindLastIndex(bucket => bucket.Traces > 0) is >= 0 and var newest ? newest : Range.Buckets - 1);

    /// <summary>"In 24 hours 1,284 traces for $3.12; half in under 1.8 s, 95 % under 6.4 s. 25 failed, 16 of them at 18:30."</summary>
    public IReadOnlyList<OverviewPhrase> Sentence
    {
        get
        {
            var traces = new OverviewPhrase(Figures.Plural(Total.Traces, "trace"), Filter(), IsStrong: true);
            var phrases = Filled(T("In {0} {1}"), new(Range.Words), traces);
            if (Total.Users > 0)
            {
                phrases.AddRange(Filled(T(" of {0}"), new OverviewPhrase(Figures.Plural(Total.Users, "user"), UserFilter())));
            }

            if (Total.Cost is { } cost)
            {
                phrases.AddRange(Filled(T(" for {0}"), new OverviewPhrase(Figures.Usd(cost.Usd), IsStrong: true)));
            }

            if (Total.LatencyP50 is { } p50)
            {
                phrases.AddRange(Filled(T("; half in under {0}, 95 % under {1}"), new(Figures.Duration(p50), IsStrong: true), new(Figures.Duration(Total.LatencyP95!.Value), IsStrong: true)));
            }

            phrases.Add(new OverviewPhrase(T(". ")));
            if (Total.Failed == 0)
            {
                phrases.Add(new OverviewPhrase(T("None failed.")));
                return phrases;
            }

            phrases.Add(new OverviewPhrase(T("{0} failed", Figures.Count(Total.Failed)), FailedFilter(), IsStrong: true, IsBad: true));
            if (WorstWords is { } words)
            {
                phrases.Add(new OverviewPhrase(T(", ")));
                phrases.Add(new OverviewPhrase(words, WorstFilter()));
            }

            phrases.Add(new OverviewPhrase(T(".")));
            return phrases;
        }
    }

    /// <summary>"16 of them at 18:30, most with TimeoutException of gpt-4o", or null where no failure stands out.</summary>
    public string? WorstWords
    {
        get
        {
            if (Worst is not { Failed: > 1 } worst)
            {
                return null;
            }

            var words = worst.Failed == Total.Failed ? T("all of them at {0}", Chart.Time(worst.Bucket)) : T("{0} of them at {1}", Figures.Count(worst.Failed), Chart.Time(worst.Bucket));
            var type = Shared(worst.OfType, T("with {0}", ShortType(worst.ErrorType ?? "")));
            var model = Shared(worst.OfModel, T("of {0}", worst.Model));
            return (type, model) switch
            {
                (null, null) => words,
                (_, null) => words + T(", ") + type,
                (null, _) => words + T(", ") + model,
                _ => words + T(", ") + type + T(" ") + model,
            };

            string? Shared(long count, string what) => count == worst.Failed ? what : count * 2 > worst.Failed ? T("most {0}", what) : null;
        }
    }

    /// <summary>The filter of the list that shows the traces of the whole time.</summary>
    public string Filter() => Between(_overview.Query.StartMs, _overview.Query.EndMs);

    public string FailedFilter() => $"status = 'ERROR' AND {Filter()}";

    public string WorstFilter() => $"status = 'ERROR' AND {BucketFilter(Rest)}";

    public string BucketFilter(int bucket) => Between(_overview.Query.StartMs + (bucket * Range.BucketMs), _overview.Query.StartMs + ((bucket + 1) * Range.BucketMs));

    /// <summary>The traces that name a user.</summary>
    public string UserFilter() => $"metadata.`{TraceKeys.User}` IS NOT NULL AND {Filter()}";

    /// <summary>Null where no quotes are left for the name.</summary>
    public string? ModelFilter(string model) => Quoted(model) is { } value ? $"span.attributes.`{AttributeNames.Model}` = {value} AND {Filter()}" : null;

    public string? ToolFilter(string tool) => Quoted(tool) is { } value ? $"span.type = 'TOOL' AND span.name = {value} AND {Filter()}" : null;

    public string? FailedModelFilter(string model) => ModelFilter(model) is { } filter ? $"span.status = 'ERROR' AND {filter}" : null;

    public string? FailedToolFilter(string tool) => ToolFilter(tool) is { } filter ? $"span.status = 'ERROR' AND {filter}" : null;

    /// <summary>The traces in which a model asked for a tool with arguments that do not fit.</summary>
    public string? MisfitFilter(string tool) => Habits is null ? null : Ids(Habits.TracesWithMisfits(tool));

    /// <summary>The traces that offered a tool.</summary>
    public string? OfferFilter(string tool) => Habits is null ? null : Ids(Habits.TracesThatOffered(tool));

    /// <summary>The calls of a model over time, failed ones from the base line.</summary>
    public IReadOnlyList<OverviewShape> ModelShapes(string model) => CallShapes(_overview.ModelCalls, model);

    /// <summary>The runs of a tool over time.</summary>
    public IReadOnlyList<OverviewShape> ToolShapes(string tool) => CallShapes(_overview.ToolCalls, tool);

    /// <summary>How far the longest of the models' bars goes, and each of them beside it.</summary>
    public double Share(double? ms) => Models.Max(model => model.DurationP50) is > 0 and var most && ms is { } value ? Math.Clamp(value / most * 100, 0, 100) : 0;

    private static string Between(long startMs, long endMs) => string.Create(CultureInfo.InvariantCulture, $"timestamp_ms >= {startMs} AND timestamp_ms < {endMs}");

    private static string? Ids(IEnumerable<string> traceIds) =>
        traceIds.Select(Quoted).OfType<string>().ToList() is { Count: > 0 } ids ? $"request_id IN ({string.Join(", ", ids)})" : null;

    private static string? Quoted(string text) => !text.Contains('\'', StringComparison.Ordinal) ? $"'{text}'" : !text.Contains('"', StringComparison.Ordinal) ? $"\"{text}\"" : null;

    private static string ShortType(string type) => type[(type.LastIndexOf('.') + 1)..];

    private static List<OverviewPhrase> Filled(string sentence, params ReadOnlySpan<OverviewPhrase> pieces) => Formatting.Sentence.Fill(sentence, text => new OverviewPhrase(text), pieces);

    private OverviewLane Traces()
    {
        var top = LaneScale.Top(_buckets.Max(bucket => bucket.Traces), 4);
        double[] failed = [.. _buckets.Select(bucket => (double)bucket.Failed)];
        return new OverviewLane
        {
            Title = T("Traces"),
            Note = T("failed in red"),
            Top = LaneScale.Short(top),
            Shapes = [new(LanePath.Bars([.. _buckets.Select(bucket => (double)(bucket.Traces - bucket.Failed))], top, failed), "c-plain"), new(LanePath.Bars(failed, top), "c-err")],
            Readings = [.. _buckets.Select(bucket => new OverviewReading(Figures.Count(bucket.Traces), bucket.Traces == 0 ? "" : bucket.Failed == 0 ? T("none failed") : T("{0} failed", Figures.Count(bucket.Failed)), bucket.Failed > 0))],
        };
    }

    private OverviewLane Latency()
    {
        var top = LaneScale.Top(_buckets.Max(bucket => bucket.LatencyP95) ?? 0, 100);
        double?[] half = [.. _buckets.Select(bucket => bucket.LatencyP50)];
        double?[] most = [.. _buckets.Select(bucket => bucket.LatencyP95)];
        return new OverviewLane
        {
            Title = T("Latency"),
            Note = T("p50, band to p95"),
            Top = Duration(top),
            Shapes = [new(LanePath.Band(half, most, top), "c-band"), new(LanePath.Line(most, top), "c-thin"), new(LanePath.Line(half, top), "c-ink")],
            Readings = [.. _buckets.Select(bucket => bucket.LatencyP50 is { } p50 ? new OverviewReading(Figures.Duration(p50), $"p95 {Figures.Duration(bucket.LatencyP95!.Value)}") : new OverviewReading(""))],
        };
    }

    private OverviewLane FirstToken()
    {
        var top = LaneScale.Top(_buckets.Max(bucket => bucket.FirstTokenP50) ?? 0, 100);
        return new OverviewLane
        {
            Title = T("First token"),
            Note = T("p50, streamed answers"),
            Top = Duration(top),
            Shapes = [new(LanePath.Line([.. _buckets.Select(bucket => bucket.FirstTokenP50)], top), "c-model")],
            Readings = [.. _buckets.Select(bucket => new OverviewReading(bucket.FirstTokenP50 is { } p50 ? Figures.Duration(p50) : ""))],
        };
    }

    private OverviewLane Tokens()
    {
        var top = LaneScale.Top(_buckets.Max(bucket => bucket.InputTokens + bucket.OutputTokens), 10);
        double[] cached = [.. _buckets.Select(bucket => (double)Math.Min(bucket.CachedTokens, bucket.InputTokens))];
        double[] input = [.. _buckets.Select(bucket => (double)bucket.InputTokens)];
        return new OverviewLane
        {
            Title = T("Tokens"),
            Note = T("cached, fresh, output"),
            Top = LaneScale.Short(top),
            Shapes =
            [
                new(LanePath.Bars(cached, top), "c-cached"),
                new(LanePath.Bars([.. input.Zip(cached, (all, part) => all - part)], top, cached), "c-fresh"),
                new(LanePath.Bars([.. _buckets.Select(bucket => (double)bucket.OutputTokens)], top, input), "c-out"),
            ],
            Readings = [.. _buckets.Select(bucket => bucket.InputTokens + bucket.OutputTokens == 0 ? new OverviewReading("")
                : new OverviewReading(Figures.Count(bucket.InputTokens + bucket.OutputTokens), bucket.CachedTokens == 0 ? T("none cached") : T("{0} cached", Figures.Percent((double)bucket.CachedTokens / Math.Max(1, bucket.InputTokens)))))],
        };
    }

    private OverviewLane Cost()
    {
        var top = LaneScale.Top((double)(_buckets.Max(bucket => bucket.Cost?.Usd) ?? 0), 0.0001);
        return new OverviewLane
        {
            Title = T("Cost"),
            Note = Total.UnpricedCalls == 0 ? T("US dollars") : T("US dollars; {0} of unknown price", Figures.Plural(Total.UnpricedCalls, "call")),
            Top = "$" + top.ToString("0.####", CultureInfo.InvariantCulture),
            Shapes = [new(LanePath.Bars([.. _buckets.Select(bucket => (double)(bucket.Cost?.Usd ?? 0))], top), "c-plain")],
            Readings = [.. _buckets.Select(bucket => new OverviewReading(bucket.Cost is { } cost ? Figures.Usd(cost.Usd) : "", bucket.UnpricedCalls > 0 ? T("{0} unpriced", Figures.Plural(bucket.UnpricedCalls, "call")) : ""))],
        };
    }

    private OverviewLane Users()
    {
        var top = LaneScale.Top(_buckets.Max(bucket => bucket.Users), 4);
        return new OverviewLane
        {
            Title = T("Users"),
            Note = T("and their sessions"),
            Top = LaneScale.Short(top),
            Shapes = [new(LanePath.Bars([.. _buckets.Select(bucket => (double)bucket.Users)], top), "c-plain")],
            Readings = [.. _buckets.Select(bucket => bucket.Users + bucket.Sessions == 0 ? new OverviewReading("") : new OverviewReading(Figures.Count(bucket.Users), bucket.Sessions == 0 ? "" : Figures.Plural(bucket.Sessions, "session")))],
        };
    }

    private List<OverviewShape> CallShapes(IReadOnlyList<PieceCalls> calls, string name)
    {
        var (good, failed) = (new double[Range.Buckets], new double[Range.Buckets]);
        foreach (var call in calls.Where(call => call.Name == name && call.Piece < Range.Buckets))
        {
            (good[call.Piece], failed[call.Piece]) = (call.Calls - call.Failed, call.Failed);
        }

        var top = Math.Max(1, good.Zip(failed, (one, other) => one + other).Max());
        return [new(LanePath.Bars(good, top, failed), "c-plain"), new(LanePath.Bars(failed, top), "c-err")];
    }

    private static string Duration(double ms) => ms >= 1000 ? string.Create(CultureInfo.InvariantCulture, $"{ms / 1000:#,0.#} s") : string.Create(CultureInfo.InvariantCulture, $"{ms:0} ms");
}
