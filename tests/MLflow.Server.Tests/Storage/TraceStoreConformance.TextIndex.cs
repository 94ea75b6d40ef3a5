using System.Text.Json;
using MLflow.Server.Storage;
using MLflow.Server.Storage.TextIndex;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

public abstract partial class TraceStoreConformance
{
    private const int IndexedTraces = 60;
    private const int Terms = 400;

    /// <summary>Of many languages, with what JSON escapes, and what has a case beyond ASCII.</summary>
    private static readonly string[] Pieces =
    [
        "東京", "東", "京都", "東京都に行く", "서울", "Straße", "STRASSE", "ſ", "İ", "ı", "i", "Ωmega", "ωMEGA", "ὀ", "𐐷𐐨", "𐐏𐐀", "😀", "👩‍👩‍👧", "é", "e\u0301", "a\u0000b", "\u0001", "\u2028",
        "\"quoted\"", "back\\slash", "line\nfeed", "\ttab", "/path/to", "null", "true", "name", "TYPE", "status", "nfoo", "u0041", "default", "5", "5.0", "-1e3", "{", "}", ": ", ", ", " ", "%", "_",
        "The capital of France", "is Paris", "get_weather", "user@example.org", "3f2b9c", "ÄÖÜ", "äöü", "ⅷ", "Ⅷ", "ǅ", "Ǆ", "ﬀ",
    ];

    private protected abstract ITextIndex Index { get; }

    [Fact]
    public async Task Search_RandomTextIndexed_FindsWhatItFoundBefore()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var texts = new List<string>();
        for (var i = 0; i < IndexedTraces; i++)
        {
            await WriteTextAsync(random, NewOtelId(), texts);
        }

        var filters = Enumerable.Range(0, Terms).Select(_ => TextFilter(random, texts)).ToList();
        var before = await FindAsync(filters);
        Assert.Equal(IndexedTraces, await Index.CountWaitingAsync(Cancellation));

        Assert.Equal(IndexedTraces, await Index.IndexAsync(now: true, Cancellation));
        Assert.Equal(0, await Index.CountWaitingAsync(Cancellation));
        var after = await FindAsync(filters);

        for (var i = 0; i < filters.Count; i++)
        {
            Assert.True(before[i].SequenceEqual(after[i]), $"seed {seed}: {filters[i]}\nbefore {string.Join(' ', before[i])}\nafter  {string.Join(' ', after[i])}");
        }

        // Filters that find nothing, or everything, would agree with anything.
        var telling = before.Count(found => found.Count is > 0 and < IndexedTraces);
        Assert.True(telling > Terms / 3, $"seed {seed}: only {telling} filters tell traces apart");
    }

    [Fact]
    public async Task Search_IndexedTextThatChanges_IsFoundAsItIs()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 1, attributes: [("k", "\"the first text\"")])), Cancellation);
        await Store.WriteAsync(Batch(Span(NewOtelId(), 1, attributes: [("k", "\"of another\"")])), Cancellation);
        await Index.IndexAsync(now: true, Cancellation);
        Assert.Single(await FindAsync("trace.text LIKE '%first%'"));
        Assert.Empty(await FindAsync("trace.text LIKE '%second%'"));

        await Store.WriteAsync(Batch(Span(id, 1, attributes: [("k", "\"the second text\"")])), Cancellation);
        Assert.Equal(1, await Index.CountWaitingAsync(Cancellation));
        Assert.Single(await FindAsync("trace.text LIKE '%second%'"));
        Assert.Empty(await FindAsync("trace.text LIKE '%first%'"));
        await Index.IndexAsync(now: true, Cancellation);
        Assert.Single(await FindAsync("trace.text LIKE '%second%'"));

        await Store.WriteAsync(new TraceBatch { Infos = [Info(id) with { RequestPreview = "what was asked" }] }, Cancellation);
        Assert.Single(await FindAsync("trace.text LIKE '%was asked%'"));
        await Index.IndexAsync(now: true, Cancellation);
        Assert.Single(await FindAsync("trace.text LIKE '%was asked%'"));

        await Store.WriteAsync(Batch(Span(id, 2, parent: 1, name: "late child")), Cancellation);
        await Index.IndexAsync(now: true, Cancellation);
        Assert.Single(await FindAsync("trace.text LIKE '%late child%'"));
        Assert.Equal(0, await Index.CountWaitingAsync(Cancellation));
    }

    [Fact]
    public async Task Index_TraceDeleted_LosesItsEntries()
    {
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add(NewOtelId());
            await Store.WriteAsync(Batch(Span(ids[i], 1, attributes: [("k", $"\"wörd{i}\"")])), Cancellation);
        }

        await Index.IndexAsync(now: true, Cancellation);
        var size = await PageBytesAsync();

        await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + ids[1]] }, Cancellation);
        await SweepAsync();
        var less = await PageBytesAsync();
        Assert.True(less < size, $"{less} bytes are left of {size}");
        Assert.Single(await FindAsync("trace.text ILIKE '%WÖRD2%'"));
        Assert.Empty(await FindAsync("trace.text ILIKE '%WÖRD1%'"));

        await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, MaxTimestampMs = StartMs + 1 }, Cancellation);
        await SweepAsync();
        Assert.Equal(0, await PageBytesAsync());
    }

    [Fact]
    public async Task Index_MoreThanASegment_GoesOnAndIsRenewedWhereMuchIsGone()
    {
        const int Count = TextSegment.Traces + 20;
        var ids = Enumerable.Range(0, Count).Select(_ => NewOtelId()).ToList();
        await Store.WriteAsync(Batch([.. ids.Select((id, i) => Span(id, 1, startMs: i, attributes: [("k", $"\"number {i}.\"")]))]), Cancellation);

        // As the server does it: not yet, because somebody may be writing them, then because they are many, then because the rest has waited.
        Assert.Equal(0, await Index.IndexAsync(now: false, Cancellation));
        Clock.Advance(TimeSpan.FromMilliseconds(ITextIndex.SettledMs));
        Assert.Equal(TextSegment.Traces, await Index.IndexAsync(now: false, Cancellation));
        Assert.Equal(0, await Index.IndexAsync(now: false, Cancellation));
        Clock.Advance(TimeSpan.FromMilliseconds(ITextIndex.PatienceMs));
        Assert.Equal(20, await Index.IndexAsync(now: false, Cancellation));
        await AllAreFoundAsync(0);

        await Store.DeleteAsync(new TraceDeletion { ExperimentId = 0, MaxTimestampMs = StartMs + 399 }, Cancellation);
        await SweepAsync();
        Assert.True(await Index.CountWaitingAsync(Cancellation) > 0);
        await AllAreFoundAsync(400);
        await Index.IndexAsync(now: true, Cancellation);
        Assert.Equal(0, await Index.CountWaitingAsync(Cancellation));
        await AllAreFoundAsync(400);

        async Task AllAreFoundAsync(int from)
        {
            for (var i = 0; i < Count; i += 13)
            {
                var found = await FindAsync($"trace.text LIKE '%number {i}.%' AND timestamp_ms >= {StartMs + i}");
                Assert.Equal(i < from ? [] : ["tr-" + ids[i]], found);
            }

            Assert.Equal(Count - from, await Store.CountAsync(new TraceQuery { ExperimentIds = [0], Filter = "trace.text LIKE '%number%'" }, 10_000, Cancellation));
        }
    }

    /// <summary>Bytes of what the text index keeps.</summary>
    private protected abstract Task<long> PageBytesAsync();

    private async Task SweepAsync()
    {
        while (await Index.SweepAsync(Cancellation))
        {
        }
    }

    private async Task WriteTextAsync(Random random, string id, List<string> texts)
    {
        string Text()
        {
            var text = string.Concat(random.GetItems(Pieces, random.Next(1, 8)));
            texts.Add(text);
            return text;
        }

        string Json() => random.Next(8) switch
        {
            0 => JsonSerializer.Serialize(Text()),
            2 => $$"""{ "k" :  [{{JsonSerializer.Serialize(Text())}} ,5 ], "n": null}""",
            3 => random.Next(3) switch { 0 => "5", 1 => "5.0", _ => "true" },
            _ => StoredJson.Quote(Text()),
        };

        await Store.WriteAsync(
            Batch([.. Enumerable.Range(1, random.Next(1, 4)).Select(number => Span(id, number, number == 1 ? null : 1, Text(), random.Next(2) == 0 ? "TOOL" : Text(), (SpanStatus)random.Next(3)) with
            {
                StatusMessage = random.Next(3) == 0 ? Text() : null,
                Attributes = [.. new[] { "k", "my key", "東京", Text() }.Distinct().Where(_ => random.Next(2) == 0).Select(key => KeyValuePair.Create(key, Json()))],
                Events = random.Next(3) == 0 ? [new SpanEventRecord(Text(), 17, [KeyValuePair.Create(Text(), Json())])] : [],
            })]),
            Cancellation);
        if (random.Next(3) == 0)
        {
            await Store.WriteAsync(new TraceBatch { Infos = [Info(id[..8] + new string('a', 24)) with { RequestPreview = Text(), ResponsePreview = Text() }] }, Cancellation);
        }
    }

    /// <summary>Conditions on parts of what was written, as text and as JSON, alone and joined.</summary>
    private static string TextFilter(Random random, List<string> texts)
    {
        string Part()
        {
            var text = texts[random.Next(texts.Count)];
            text = random.Next(3) == 0 ? StoredJson.Readable(StoredJson.Quote(text)) : text;
            var from = random.Next(text.Length);
            from -= char.IsLowSurrogate(text[from]) ? 1 : 0;
            var to = Math.Min(text.Length, from + random.Next(1, random.Next(2) == 0 ? 5 : 30));
            to += to < text.Length && char.IsLowSurrogate(text[to]) ? 1 : 0;
            var part = text[from..to].Replace("'", "", StringComparison.Ordinal).Replace("\0", "", StringComparison.Ordinal).Replace("\"", random.Next(2) == 0 ? "_" : "%", StringComparison.Ordinal);
            return random.Next(4) switch { 0 => part.ToUpperInvariant(), 1 => part.ToLowerInvariant(), _ => part };
        }

        string Condition()
        {
            var @operator = random.Next(2) == 0 ? "LIKE" : "ILIKE";
            var part = Part();
            var pattern = random.Next(10) switch { 0 => part, 1 => part + "%", 2 => "%" + part, 3 => $"%{part}%{Part()}%", _ => $"%{part}%" };
            return random.Next(6) switch
            {
                0 => $"span.content {@operator} '{pattern}'",
                1 => $"span.content {@operator} '%: _{part}%'",
                2 => $"span.attributes.k {@operator} '{pattern}'",
                3 => $"span.attributes.`my key` = '{part}'",
                _ => $"trace.text {@operator} '{pattern}'",
            };
        }

        return random.Next(8) switch
        {
            0 => $"{Condition()} AND {Condition()}",
            1 => $"{Condition()} OR {Condition()}",
            2 => $"NOT ({Condition()})",
            3 => $"({Condition()} OR span.type = 'TOOL') AND NOT {Condition()}",
            _ => Condition(),
        };
    }

    private async Task<List<IReadOnlyList<string>>> FindAsync(IEnumerable<string> filters)
    {
        var found = new List<IReadOnlyList<string>>();
        foreach (var filter in filters)
        {
            found.Add(await FindAsync(filter));
        }

        return found;
    }

    private async Task<IReadOnlyList<string>> FindAsync(string filter) =>
        [.. (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter, PageSize = 100 }, Cancellation)).Traces.Select(trace => trace.TraceId)];
}
