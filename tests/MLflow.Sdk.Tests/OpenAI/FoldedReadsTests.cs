using System.Text;
using CsCheck;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>What is kept of a stream read by read is the stream.</summary>
public sealed class FoldedReadsTests
{
    private static readonly Gen<byte[]> Read = Gen.OneOf(
        Gen.String[Gen.Char["abc{}\":, \n"], 0, 40].Select(word => Encoding.UTF8.GetBytes("data: {\"id\":\"chatcmpl-1\",\"delta\":\"" + word + "\",\"finish_reason\":null}\n\n")),
        Gen.Byte.Array[0, 20],
        Gen.Byte.Array[FoldedReads.MaxFolded - 1, FoldedReads.MaxFolded + 2],
        Gen.Const(new byte[FoldedReads.MaxRead + 1]));

    [Fact]
    public void Take_FoldedReads_GivesTheBytesAndCopiesBefore() => Read.Array[0, 30].Sample(
        reads =>
        {
            var budget = new CaptureBudget();
            var body = Capture(budget, reads, int.MaxValue);
            var whole = reads.SelectMany(read => read).ToArray();
            Assert.Equal(whole.Length, body.Length);
            using (var copy = body.Copy())
            {
                Assert.Equal(whole, copy.Bytes);
            }

            Assert.True(whole.Length < 4 || body.HeadContains(whole.AsSpan(0, 4)));
            using (var taken = body.Take())
            {
                Assert.Equal(whole, taken.Bytes);
            }

            Assert.Equal(0, budget.Held);
        },
        iter: 300);

    [Fact]
    public void Take_FoldedReadsBeyondTheLimit_GivesTheBeginning() => Gen.Select(Read.Array[1, 10], Gen.Int[1, 3000]).Sample(
        (reads, limit) =>
        {
            var body = Capture(new CaptureBudget(), reads, limit);
            var whole = reads.SelectMany(read => read).ToArray();
            Assert.Equal(whole.Length > limit, body.IsCut);
            using var taken = body.Take();
            Assert.Equal(whole.Take(limit), taken.Bytes.ToArray());
        },
        iter: 300);

    [Fact]
    public void Take_FoldedReadsWithoutMemory_GivesWholeReads() => Gen.Select(Read.Array[1, 40], Gen.Int[1, 100_000]).Sample(
        (reads, limit) =>
        {
            var budget = new CaptureBudget(limit);
            var body = Capture(budget, reads, int.MaxValue);
            var whole = reads.SelectMany(read => read).ToArray();
            Assert.Equal(body.Length < whole.Length, body.IsCut);
            using (var taken = body.Take())
            {
                Assert.Equal(whole.Take(body.Length), taken.Bytes.ToArray());
            }

            Assert.Equal(0, budget.Held);
        },
        iter: 300);

    [Fact]
    public void Append_EventsThatAreAlike_TakesLittleMemory()
    {
        var budget = new CaptureBudget();
        var reads = Enumerable.Range(0, 500).Select(i => Encoding.UTF8.GetBytes($"data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" word{i}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"));
        var body = Capture(budget, [.. reads], int.MaxValue);
        Assert.True(budget.Held < body.Length / 4, $"{budget.Held} of {body.Length}");
        body.Discard();
        Assert.Equal(0, budget.Held);
    }

    private static BodyCapture Capture(CaptureBudget budget, byte[][] reads, int limit)
    {
        var body = new BodyCapture(budget, limit, keepsMarks: true);
        body.FoldReads();
        for (var i = 0; i < reads.Length; i++)
        {
            body.Append(reads[i], i + 1);
        }

        return body;
    }
}
