using System.Text;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresTextTests(PostgresCluster cluster)
{
    private static readonly string[] Pieces = ["\0", "\u0001", "\u0002", "a", "ü", "東", "🙂", "\uFFFF"];

    [Fact]
    public void Encode_AnyText_KeepsItAndItsOrder()
    {
        var random = new Random(1);
        var texts = Enumerable.Range(0, 300).Select(_ => string.Concat(random.GetItems(Pieces, random.Next(5)))).ToList();
        foreach (var text in texts)
        {
            Assert.DoesNotContain('\0', PostgresText.Encode(text));
            Assert.Equal(text, PostgresText.Decode(PostgresText.Encode(text)));
            foreach (var other in texts)
            {
                Assert.Equal(Math.Sign(Bytes(text).SequenceCompareTo(Bytes(other))), Math.Sign(Bytes(PostgresText.Encode(text)).SequenceCompareTo(Bytes(PostgresText.Encode(other)))));
            }
        }
    }

    // Not as data of a theory: the runner replaces them itself.
    [Fact]
    public void Encode_HalfASurrogatePair_IsReplaced()
    {
        foreach (var (text, kept) in new[] { ("\uD83D", "\uFFFD"), ("a\uDE42b\uD83D\uDE42", "a\uFFFDb\uD83D\uDE42"), ("\uD83D\0", "\uFFFD\0") })
        {
            Assert.Equal(kept, PostgresText.Decode(PostgresText.Encode(text)));
        }
    }

    [Fact]
    public async Task Store_TextsWithControlCharacters_AreKeptFoundAndMatched()
    {
        var uri = await cluster.CreateDatabaseAsync();
        await using (var database = await PostgresDatabase.OpenAsync(uri, TimeProvider.System, null, TestContext.Current.CancellationToken))
        {
            var store = new PostgresTraceStore(database);
            var id = NewOtelId();
            await store.WriteAsync(Batch(Span(id, 1, name: "a\0b\u0001", attributes: [("k", """ "x\u0000y" """)])), TestContext.Current.CancellationToken);
            await store.SetTagAsync("tr-" + id, "t", "\0", TestContext.Current.CancellationToken);

            Assert.Equal("\0", Assert.Single(await store.GetInfosAsync(["tr-" + id], TestContext.Current.CancellationToken)).Tags["t"]);
            Assert.Equal("a\0b\u0001", Assert.Single(await store.GetSpansAsync("tr-" + id, TestContext.Current.CancellationToken)).Name);
            foreach (var (filter, count) in new[]
            {
                ("name LIKE 'a_b_'", 1), ("name LIKE 'a__b_'", 0), ("name RLIKE '^a.b.$'", 1), ("span.name LIKE 'a_b_'", 1), ("span.name LIKE 'a__b_'", 0), ("NOT name LIKE 'a__b_'", 1), ("NOT name LIKE 'a_b_'", 0),
                ("tags.t LIKE '_'", 1), ("tags.t LIKE '__'", 0), ("tags.t != 'x'", 1), ("span.attributes.k LIKE '%x_y%'", 1),
            })
            {
                Assert.True(count == await store.CountAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, 10, TestContext.Current.CancellationToken), filter);
            }
        }

        await cluster.ReturnAsync(uri);
    }

    private static ReadOnlySpan<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
