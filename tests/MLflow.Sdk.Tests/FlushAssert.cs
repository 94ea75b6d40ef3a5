using Xunit;

namespace MLflow.Tests;

internal static class FlushAssert
{
    /// <summary>Compares the counters; a difference shows why.</summary>
    public static void Counts(FlushResult result, long exported, long pending = 0, long dropped = 0) => Assert.True(
        (result.Exported, result.Pending, result.Dropped) == (exported, pending, dropped),
        $"expected {exported} exported, {pending} pending, {dropped} dropped; was {result.Exported}, {result.Pending}, {result.Dropped}"
        + $" ({string.Join(", ", result.DroppedBy.Select(d => d.Key + " " + d.Value))}; {result.LastError})");
}
