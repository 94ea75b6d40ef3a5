using System.Runtime.CompilerServices;
using MLflow.Sdk.Tests.Capture;
using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

public sealed class SwitchTests : TracedTestBase
{
    [Fact]
    public async Task Off_EveryShape_DoesItsOwnWork()
    {
        Tracer.IsEnabled = false;

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
        Tracer.IsEnabled = false;
        var calls = new Calls();
        Run(calls);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(calls);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Off_WithinATraceThatHasBegun_IsStillTraced()
    {
        using (Start("begun"))
        {
            Tracer.IsEnabled = false;
            Calls.GetWeather("Tokyo");
        }

        Calls.GetWeather("Paris");
        Tracer.IsEnabled = true;
        Calls.GetWeather("Rome");

        Assert.Equal("begun[GetWeather] GetWeather", Tree());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void SamplingRatio_OfAMethod_GoesBeforeWhatIsSetWhereItBeginsTheTrace(double ratio)
    {
        using (Use(SomeOutlet.Of(Exporter, ratio).Tracer))
        {
            Calls.Always();
            Assert.Equal([1], Calls.AlwaysAgain());
            Calls.Never();
            using (Start("begun"))
            {
                Calls.Never();
            }
        }

        Assert.Equal(ratio == 0 ? "Always AlwaysAgain" : "Always AlwaysAgain begun[Never[Always]]", Tree());
    }

    [Fact]
    public async Task NotSampled_EveryShape_DoesItsOwnWork()
    {
        var tracer = SomeOutlet.Of(Exporter, samplingRatio: 0).Tracer;
        using (Use(tracer))
        {
            Assert.Equal("sunny", Calls.GetWeather("Tokyo"));
            Assert.Equal([1, 2], Sequences.Count(2));
            Assert.Equal(3, await Tasks.NumberAsync(3, Task.CompletedTask));
            Assert.Throws<InvalidOperationException>(() => Calls.Throws("still"));
            Assert.Null(tracer.Current);
        }

        Assert.Empty(Exporter.Spans);
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
