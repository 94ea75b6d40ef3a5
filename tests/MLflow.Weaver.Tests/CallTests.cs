using MLflow.Weaver.Tests.Shapes;
using Xunit;

namespace MLflow.Weaver.Tests;

public sealed class CallTests : TracedTestBase
{
    [Fact]
    public void Static_Called_RecordsNameTypeInputsAndOutput()
    {
        Assert.Equal("sunny", Calls.GetWeather("Tokyo"));

        var span = Span();
        Assert.Equal(("GetWeather", SpanType.Tool, SpanStatusCode.Ok), (span.Name, span.SpanType, span.StatusCode));
        Assert.Equal("\"GetWeather\"", Text(span, "mlflow.spanFunctionName"));
        Assert.Equal("""{"city":"Tokyo","days":1}""", Inputs(span));
        Assert.Equal("\"sunny\"", Outputs(span));
    }

    [Fact]
    public void Instance_Called_RecordsParametersOnly()
    {
        Assert.Equal(5, new Calls().Instance(2));

        Assert.Equal("""{"added":2}""", Inputs(Span()));
        Assert.Equal("5", Outputs(Span()));
    }

    [Fact]
    public void Void_Called_HasNoOutput()
    {
        var calls = new Calls();
        calls.Nothing();

        Assert.Equal(4, calls.Number);
        Assert.Equal("{}", Inputs(Span()));
        Assert.Null(Outputs(Span()));
    }

    [Fact]
    public void Throwing_Called_RecordsTheExceptionThatTheCallerGets()
    {
        var thrown = Assert.Throws<InvalidOperationException>(() => Calls.Throws("no"));

        var span = Span();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("InvalidOperationException: no", span.StatusMessage);
        Assert.Equal("\"InvalidOperationException\"", Text(span, "error.type"));
        Assert.Null(Text(span, "mlflow.cancelled"));
        Assert.Null(Outputs(span));
        var recorded = Assert.Single(span.EndedEvents).Attributes.Single(a => a.Key == "exception.stacktrace").Value.String;
        Assert.Contains("Calls.Throws", recorded, StringComparison.Ordinal);

        // The lines are those of the source, in what is recorded and in what the caller sees.
        Assert.Matches(@"Calls\.cs:line 27\b", recorded);
        Assert.Matches(@"Calls\.cs:line 27\b", thrown.StackTrace);
        Assert.Null(Tracer.Current);
    }

    [Theory]
    [InlineData(-1, "negative")]
    [InlineData(0, "zero")]
    [InlineData(1, "one")]
    [InlineData(9, "square of 3")]
    [InlineData(7, "other")]
    public void ManyReturns_EachOfThem_IsRecorded(int number, string result)
    {
        Assert.Equal(result, Calls.ManyReturns(number));
        Assert.Equal($"\"{result}\"", Outputs(Span()));
    }

    [Fact]
    public void Recursive_Called_IsASpanBelowEach()
    {
        Assert.Equal(6, Calls.Factorial(3));
        Assert.Equal("Factorial[Factorial[Factorial]]", Tree());
    }

    [Fact]
    public void Virtual_OverrideWithoutTheAttribute_TracesTheBaseCallOnly()
    {
        Calls calls = new DerivedCalls();
        Assert.Equal("derived of base", calls.Virtual());
        Assert.Equal("\"base\"", Outputs(Span()));
    }

    [Fact]
    public void Override_WithTheAttribute_IsTracedByItsBase()
    {
        Calls calls = new DerivedCalls();
        Assert.Equal("derived of base", calls.Untraced());
        Assert.Equal("\"derived of base\"", Outputs(Span()));
    }

    [Fact]
    public void Interface_EveryKindOfMember_IsTraced()
    {
        ICalls calls = new Calls();

        Assert.Equal("A", calls.ByInterface("a"));
        Assert.Equal("explicit 4", calls.Explicit(4));
        Assert.Equal("default 2", calls.Default(2));
        Assert.Equal("ByInterface ExplicitTraced Default", Tree());
    }

    [Fact]
    public void Delegate_OfTheMethod_IsTraced()
    {
        Func<string, int, string> weather = Calls.GetWeather;
        Assert.Equal("rainy", weather("Paris", 2));
        Assert.Equal("""{"city":"Paris","days":2}""", Inputs(Span()));
    }

    [Fact]
    public void Reflection_Invoked_IsTraced()
    {
        Assert.Equal("sunny", typeof(Calls).GetMethod(nameof(Calls.GetWeather))!.Invoke(null, ["Tokyo", 3]));
        Assert.Equal("""{"city":"Tokyo","days":3}""", Inputs(Span()));
    }

    [Fact]
    public void Dynamic_Called_IsTraced()
    {
        dynamic calls = new Calls();
        Assert.Equal(4, (int)calls.Instance(1));
        Assert.Equal("4", Outputs(Span()));
    }

    [Fact]
    public void Private_Called_IsTraced()
    {
        Assert.Equal("b1", Calls.CallHidden());
        Assert.Equal("""{"a":1,"b":"b"}""", Inputs(Span()));
    }

    [Fact]
    public void Nested_OwnSpanType_IsTraced()
    {
        Assert.Equal(4, Calls.Nested.Deep(2));
        Assert.Equal("INNER", Span().SpanType);
    }

    [Fact]
    public void Generic_Methods_AreTracedForEveryArgument()
    {
        Assert.Equal(5, Calls.Echo(5));
        Assert.Equal("x", Calls.Echo("x"));
        Assert.Equal((1, "one"), Calls.Pair(1, "one"));

        Assert.Equal(["5", "\"x\""], Exporter.Spans.Where(s => s.Name == "Echo").Select(Outputs));
        Assert.Equal("""{"key":1,"value":"one"}""", Inputs(Span("Pair")));
    }

    [Fact]
    public async Task Generic_Types_AreTraced()
    {
        var box = new Box<string>();
        Assert.Null(box.Put("a"));
        Assert.Equal("a", box.Put("b"));
        Assert.Equal(("b", 3), await box.PairAsync(3));
        Assert.Equal([("b", 1.5)], box.Pairs(1.5));

        Assert.Equal(["null", "\"a\""], Exporter.Spans.Where(s => s.Name == "Put").Select(Outputs));
        Assert.Equal("""{"other":3}""", Inputs(Span("PairAsync")));
        Assert.Equal("""{"others":[1.5]}""", Inputs(Span("Pairs")));
    }

    [Fact]
    public void Struct_MethodThatChangesIt_ChangesIt()
    {
        var counter = default(Counter);
        counter.Add(2);
        Assert.Equal(5, counter.Add(3));
        Assert.Equal(5, counter.Count);
        Assert.Equal(["2", "5"], Exporter.Spans.Select(Outputs));
    }

    [Fact]
    public void Extension_Called_RecordsItsReceiver()
    {
        Assert.Equal("HO!", "ho".Shout());
        Assert.Equal("""{"text":"ho"}""", Inputs(Span()));
    }

    [Fact]
    public void Partial_AttributeOnTheOtherPart_IsTraced()
    {
        Assert.Equal(3, Parts.Length("abc"));
        Assert.Equal(SpanType.Parser, Span().SpanType);
    }

    [Fact]
    public void LocalFunctionAndLambda_Called_AreTraced()
    {
        var factor = 3;
        var twice = [Trace] (int x) => x * 2;
        Assert.Equal(14, twice(Times(2)) + Static(1));
        Assert.Equal($"{nameof(LocalFunctionAndLambda_Called_AreTraced)}.<lambda>", Exporter.Spans[1].Name);
        Assert.Equal(["Times", "Static"], new[] { Exporter.Spans[0].Name, Exporter.Spans[2].Name });

        [Trace]
        int Times(int number) => number * factor;

        [Trace]
        static int Static(int number) => number + 1;
    }

    [Fact]
    public void Exception_ReplacedOnItsWay_IsCaughtInTheBody_IsNoError()
    {
        Assert.Equal("caught", Replaced());
        Assert.Equal(SpanStatusCode.Ok, Span().StatusCode);

        [Trace]
        static string Replaced()
        {
            try
            {
                try
                {
                    throw new InvalidOperationException("first");
                }
                finally
                {
                    Throw();
                }
            }
            catch (ArgumentException)
            {
                return "caught";
            }
        }

        static void Throw() => throw new ArgumentException("second");
    }

    [Fact]
    public void Filter_OfTheCaller_RunsBeforeFinallyBlocksAsWithoutTracing()
    {
        var order = new List<string>();
        try
        {
            Throw();
        }
        catch (InvalidOperationException) when (Note("filter"))
        {
            order.Add("catch");
        }

        Assert.Equal(["filter", "finally", "catch"], order);

        bool Note(string what)
        {
            order.Add(what);
            return true;
        }

        [Trace]
        void Throw()
        {
            try
            {
                throw new InvalidOperationException();
            }
            finally
            {
                order.Add("finally");
            }
        }
    }
}
