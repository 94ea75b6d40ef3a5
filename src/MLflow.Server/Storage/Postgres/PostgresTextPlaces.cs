using System.Numerics;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Asks the text index for one search, all in the search's snapshot: which indexed traces may match.</summary>
internal sealed class PostgresTextPlaces
{
    /// <summary>From so many traces on that may match, a search goes through all of them in its order and asks for each: it ends with its page then.</summary>
    private const int MaxListed = 5000;

    /// <summary>Segments of which pages are read with one statement.</summary>
    private const int ChunkSegments = 128;

    /// <summary>Grams of a term that are looked for in all segments; the others where those have been found.</summary>
    private const int RoughGrams = 2;

    private const string SelectSegmentsSql = "SELECT segment_id, min_time_ms, max_time_ms FROM text_segments ORDER BY segment_id DESC";

    private const string SelectPagesSql = "SELECT segment_id, page, grams FROM text_pages WHERE page = ANY($1) AND segment_id = ANY($2)";

    private const string CountWaitingSql = "SELECT COUNT(*) FROM (SELECT 1 FROM text_places WHERE place < 0 LIMIT $1) AS waiting";

    private readonly PostgresSession _session;
    private readonly SearchClock _clock;
    private readonly TextNeed? _need;
    private readonly TextWindow _window;
    private readonly Dictionary<long, ulong[]> _found = [];

    public PostgresTextPlaces(PostgresSession session, SearchClock clock, FilterTree<TraceCondition> filter)
    {
        _session = session;
        _clock = clock;
        _need = TextNeed.Of(filter);
        _window = TextWindow.Of(filter);
    }

    /// <summary>Whether the index can tell anything.</summary>
    public bool CanTell => _need is not null;

    /// <summary>The places of the indexed traces that may match; null where they are many, or the index cannot tell.</summary>
    public async Task<long[]?> FewAsync()
    {
        if (_need is null || (await _session.QueryAsync(CountWaitingSql, row => row.Int64(0), MaxListed + 1).ConfigureAwait(false))[0] > MaxListed)
        {
            return null;
        }

        var segments = await _session.QueryAsync(SelectSegmentsSql, row => (Id: row.Int64(0), Min: row.Int64(1), Max: row.Int64(2))).ConfigureAwait(false);
        var places = new List<long>();
        foreach (var chunk in segments.Where(segment => _window.Meets(segment.Min, segment.Max)).Select(segment => segment.Id).Chunk(ChunkSegments))
        {
            var rough = await FindAsync(_need.Rough(RoughGrams), chunk).ConfigureAwait(false);
            await LoadAsync(chunk.Where(id => rough[id].AsSpan().ContainsAnyExcept(0UL))).ConfigureAwait(false);
            foreach (var id in chunk)
            {
                AddPlaces(id, _found.TryGetValue(id, out var found) ? found : _found[id] = rough[id], places);
            }

            if (places.Count > MaxListed)
            {
                return null;
            }
        }

        return [.. places];
    }

    /// <summary>Reads what <see cref="May"/> needs for some segments.</summary>
    public async Task LoadAsync(IEnumerable<long> segmentIds)
    {
        foreach (var chunk in segmentIds.Where(id => !_found.ContainsKey(id)).Distinct().ToList().Chunk(ChunkSegments))
        {
            foreach (var (id, found) in await FindAsync(_need!, chunk).ConfigureAwait(false))
            {
                _found[id] = found;
            }
        }
    }

    /// <summary>Whether the trace at a place may match.</summary>
    public bool May(long place)
    {
        var found = _found[SegmentOf(place)];
        var bit = (int)(place & (TextSegment.Traces - 1));
        return (found[bit >> 6] >> bit & 1) != 0;
    }

    public static long SegmentOf(long place) => place >> TextSegment.PlaceBits;

    private async Task<Dictionary<long, ulong[]>> FindAsync(TextNeed need, long[] segmentIds)
    {
        _clock.ThrowIfOver();
        var pages = (await _session.QueryAsync(SelectPagesSql, row => (Id: row.Int64(0), Page: (int)row.Int64(1), Grams: row.Bytes(2)), need.Pages.Select(page => (short)page).ToArray(), segmentIds)
            .ConfigureAwait(false)).ToDictionary(row => (row.Id, row.Page), row => row.Grams);
        return segmentIds.ToDictionary(id => id, id => need.Find(page => pages.GetValueOrDefault((id, page))));
    }

    private static void AddPlaces(long segmentId, ulong[] found, List<long> places)
    {
        for (var word = 0; word < found.Length; word++)
        {
            for (var bits = found[word]; bits != 0; bits &= bits - 1)
            {
                places.Add((segmentId << TextSegment.PlaceBits) + (word * 64) + BitOperations.TrailingZeroCount(bits));
            }
        }
    }
}
