using System.ComponentModel;
using System.Diagnostics;

namespace MLflow.Weaver.Tests.Shapes;

/// <summary>Methods that work on the caller's thread.</summary>
internal class Calls : ICalls
{
    public int Number { get; set; } = 3;

    [Trace(SpanType.Tool)]
    [Description("Weather of a city")]
    public static string GetWeather([Description("The city")] string city, int days = 1) => city == "Tokyo" ? "sunny" : "rainy";

    [Trace]
    public int Instance(int added) => Number + added;

    // Beside System.Diagnostics.Trace, which is no attribute.
    [Trace]
    public void Nothing()
    {
        Trace.Assert(Number > 0);
        Number++;
    }

    [Trace]
    public static int Throws(string why) => throw new InvalidOperationException(why);

    [Trace]
    public static string ManyReturns(int number)
    {
        if (number < 0)
        {
            return "negative";
        }

        try
        {
            switch (number)
            {
                case 0:
                    return "zero";
                case 1:
                    return "one";
                default:
                    for (var i = 0; i < number; i++)
                    {
                        if (i * i == number)
                        {
                            return "square of " + i;
                        }
                    }

                    break;
            }
        }
        catch (InvalidOperationException)
        {
            return "never";
        }
        finally
        {
            number++;
        }

        return "other";
    }

    [Trace]
    public static int Factorial(int n) => n <= 1 ? 1 : n * Factorial(n - 1);

    [Trace]
    public virtual string Virtual() => "base";

    public virtual string Untraced() => "base";

    string ICalls.Explicit(int number) => ExplicitTraced(number);

    [Trace]
    string ICalls.ExplicitTraced(int number) => "explicit " + number;

    [Trace]
    public string ByInterface(string text) => text.ToUpperInvariant();

    [Trace]
    public static T Echo<T>(T value) => value;

    [Trace]
    public static (TKey, TValue) Pair<TKey, TValue>(TKey key, TValue value)
        where TKey : notnull => (key, value);

    [Trace]
    private static string Hidden(int a, string b) => b + a;

    public static string CallHidden() => Hidden(1, "b");

    private string ExplicitTraced(int number) => ((ICalls)this).ExplicitTraced(number);

    internal static class Nested
    {
        [Trace("INNER")]
        internal static int Deep(int value) => value * 2;
    }

    [Trace(SamplingRatio = 0)]
    public static int Never() => Always();

    [Trace(SamplingRatio = 1)]
    public static int Always() => 1;

    [Trace(SamplingRatio = 1)]
    public static IEnumerable<int> AlwaysAgain()
    {
        yield return 1;
    }
}
