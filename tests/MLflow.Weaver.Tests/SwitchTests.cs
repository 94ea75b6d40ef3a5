using System.Runtime.CompilerServices;
using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

/// <summary>The switch is for the whole process, so nothing else may run meanwhile.</summary>
[CollectionDefinition("switch", DisableParallelization = true)]
public sealed class Switched;

[Collection("switch")]
public sealed class SwitchTests : TracedTestBase, IDisposable
{
    public SwitchTests() => TracedCall.IsOn = false;

    public void Dispose() => TracedCall.IsOn = true;

    [Fact]
    public async Task Off_EveryShape_DoesItsOwnWork()
    {
        Assert.Equal("sunny", Calls.GetWeather("Tokyo"));
        Assert.Equal("square of 2", Calls.ManyReturns(4));
        Assert.Equal([1, 2], Sequences.Count(2));
        Assert.Equal(3, await Tasks.NumberAsync(3, Task.CompletedTask));
        Assert.True(Values.TryHalf(4, out var half) && half == 2);
        Assert.Throws<InvalidOperationException>(() => Calls.Throws("still"));
        Assert.Empty(Exporter.Spans);
    }

    [Fact]
    public void Off_Call_AllocatesNothing()
    {
        var calls = new Calls();
        Run(calls);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(calls);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run(Calls calls)
    {
        for (var i = 0; i < 100; i++)
        {
            calls.Instance(i);
            calls.Nothing();
        }
    }
}
