using Microsoft.Extensions.AI;
using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

/// <summary>Tools of Microsoft.Extensions.AI are made of methods, and call them by reflection.</summary>
public sealed class FunctionToolTests : TracedTestBase
{
    [Fact]
    public async Task AIFunction_OfATracedMethod_KeepsItsDescriptionAndIsTraced()
    {
        var function = AIFunctionFactory.Create(Calls.GetWeather);
        var result = await function.InvokeAsync(new AIFunctionArguments { ["city"] = "Tokyo" }, Token);

        Assert.Equal("sunny", result?.ToString());
        Assert.Equal(("GetWeather", "Weather of a city"), (function.Name, function.Description));
        Assert.Equal("""{"city":"Tokyo","days":1}""", Inputs(Span()));
    }

    [Fact]
    public async Task AIFunction_OfATracedLocalFunction_IsBelowTheSpanOfItsCaller()
    {
        var function = AIFunctionFactory.Create(GetTime, "get_time");
        using (Start("agent"))
        {
            await function.InvokeAsync(new AIFunctionArguments { ["zone"] = "UTC" }, Token);
        }

        Assert.Equal("agent[GetTime]", Tree());

        [Trace(SpanType.Tool)]
        static async Task<string> GetTime(string zone)
        {
            await Task.Yield();
            return "12:00 " + zone;
        }
    }
}
