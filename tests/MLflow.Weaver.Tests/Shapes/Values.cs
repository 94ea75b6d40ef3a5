using System.Runtime.CompilerServices;

namespace MLflow.Weaver.Tests.Shapes;

/// <summary>Methods whose parameters and results are of all kinds.</summary>
internal static class Values
{
    private static int _field = 5;

    [Trace]
    public static bool TryHalf(int number, out int half)
    {
        half = number / 2;
        return number % 2 == 0;
    }

    [Trace]
    public static void Swap(ref string a, ref string b) => (a, b) = (b, a);

    [Trace]
    public static int Sum(in int a, ref readonly int b) => a + b;

    [Trace]
    public static int Count(ReadOnlySpan<char> text, Span<byte> bytes) => text.Length + bytes.Length;

    [Trace]
    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text) => text.Trim();

    [Trace]
    public static RefStruct Ref(RefStruct value) => value;

    [Trace]
    public static T Any<T>(T value)
        where T : allows ref struct => value;

    [Trace]
    public static unsafe int* Pointer(int* pointer, delegate*<int> function) => pointer;

    [Trace]
    public static ref int ByReference(int added)
    {
        _field += added;
        return ref _field;
    }

    [Trace]
    public static ref readonly int ReadOnlyReference() => ref _field;

    [Trace]
    public static string Nothing(string? text, int? number) => null!;

    [Trace]
    public static string Hostile(object hostile, string text) => text;

    [Trace]
    public static int Lazy(IEnumerable<int> numbers) => numbers.Count();

    [Trace]
    public static int Any(object value, object other) => 1;

    [Trace]
    public static async Task<int> CancelledAsync(int number, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return number;
    }

    [Trace]
    public static int Stack(int length)
    {
        Span<int> numbers = stackalloc int[length];
        numbers.Fill(1);
        var sum = 0;
        foreach (var number in numbers)
        {
            sum += number;
        }

        return sum;
    }

    [Trace]
    public static string Wide(byte a, long b, double c, decimal d, DateTimeOffset e, SpanStatusCode f, Guid g, string[] h, Dictionary<string, int> i) => a + h[0];

    [Trace(SpanType.Retriever, Name = "find 東京", CaptureInputs = false)]
    [SpanAttribute("index", "docs")]
    [SpanAttribute("k", 5)]
    [SpanAttribute("score", 0.5)]
    [SpanAttribute("exact", true)]
    public static string[] Find(string question) => ["a", question];

    [Trace(CaptureOutput = false)]
    public static string Secret(string user, [NotTraced] string password) => user + password;

    [Trace]
    [return: NotTraced]
    public static async Task<string> SecretAsync(string user)
    {
        await Task.Yield();
        return "token of " + user;
    }

    [Trace(CaptureOutput = false)]
    public static bool SecretOut(string user, out string token)
    {
        token = user + " token";
        return true;
    }

    [Trace]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Inlined(int a) => a + 1;

    public ref struct RefStruct
    {
        public int Number { get; set; }
    }
}
