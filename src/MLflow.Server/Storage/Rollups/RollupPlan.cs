using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Rollups;

/// <summary>Puts an overview together: of hours whose figures are kept, and of the traces of all other times.</summary>
internal sealed class RollupPlan
{
    /// <summary>Traces that an overview reads as quickly as figures of hours, and exactly.</summary>
    public const int DefaultFrom = 10_000;

    private readonly OverviewQuery _query;
    private readonly Rollup _total = new();
    private readonly Dictionary<int, Rollup> _pieces = [];
    private readonly List<(long StartMs, long EndMs)> _rest = [];

    /// <param name="query">What is asked.</param>
    /// <param name="kept">The figures that are kept, by their hours since 1970.</param>
    /// <param name="marked">The hours whose figures are out of date.</param>
    public RollupPlan(OverviewQuery query, IReadOnlyDictionary<long, byte[]> kept, IReadOnlySet<long> marked)
    {
        _query = query;
        for (var hour = query.StartMs / IRollups.HourMs; hour * IRollups.HourMs < query.EndMs; hour++)
        {
            var (start, end) = (hour * IRollups.HourMs, (hour + 1) * IRollups.HourMs);
            if (IsWhole(start, end) && !marked.Contains(hour))
            {
                // An hour without traces has no figures.
                if (!kept.TryGetValue(hour, out var figures))
                {
                    continue;
                }

                if (Rollup.Decode(figures) is { } rollup)
                {
                    _total.Add(rollup);
                    Piece(start).Add(rollup);
                    continue;
                }
            }

            (start, end) = (Math.Max(start, query.StartMs), Math.Min(end, query.EndMs));
            if (_rest.Count > 0 && _rest[^1].EndMs == start)
            {
                start = _rest[^1].StartMs;
                _rest.RemoveAt(_rest.Count - 1);
            }

            _rest.Add((start, end));
        }
    }

    /// <summary>The times of which traces and spans must be added, ends not in them.</summary>
    public IReadOnlyList<(long StartMs, long EndMs)> Rest => _rest;

    /// <summary>Whether so much is left to read that the figures that are kept help little.</summary>
    public bool IsOfLittleUse => _rest.Sum(time => time.EndMs - time.StartMs) > (_query.EndMs - _query.StartMs) / 2;

    /// <summary>Whether an overview has pieces for which figures of hours can be of use.</summary>
    public static bool Fits(OverviewQuery query) => query.BucketMs >= IRollups.HourMs && query.StartMs >= IRollups.HourMs;

    public void Add(RolledTrace trace)
    {
        _total.Add(trace);
        Piece(trace.RequestTimeMs).Add(trace);
    }

    public void Add(RolledSpan span)
    {
        _total.Add(span);
        Piece(span.RequestTimeMs).Add(span);
    }

    /// <summary>All but what the failures of the worst piece have in common.</summary>
    public Overview ToOverview()
    {
        var (models, tools) = (_total.Models(), _total.Tools());
        return new Overview
        {
            Query = _query,
            Total = _total.ToFigures(),
            Buckets = _pieces.Where(piece => !piece.Value.Traces.IsEmpty).ToDictionary(piece => piece.Key, piece => piece.Value.ToFigures()),
            Models = models,
            Tools = tools,
            ModelCalls = [.. _pieces.OrderBy(piece => piece.Key).SelectMany(piece => piece.Value.ModelCalls(piece.Key, models.Select(model => model.Model)))],
            ToolCalls = [.. _pieces.OrderBy(piece => piece.Key).SelectMany(piece => piece.Value.ToolCalls(piece.Key, tools.Select(tool => tool.Tool)))],
        };
    }

    private bool IsWhole(long start, long end) => start >= _query.StartMs && end <= _query.EndMs && Number(start) == Number(end - 1);

    private int Number(long timeMs) => (int)((timeMs - _query.StartMs) / _query.BucketMs);

    private Rollup Piece(long timeMs)
    {
        var number = Number(timeMs);
        if (!_pieces.TryGetValue(number, out var figures))
        {
            _pieces.Add(number, figures = new Rollup());
        }

        return figures;
    }
}
