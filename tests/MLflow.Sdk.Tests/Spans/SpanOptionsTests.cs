using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Xunit;

namespace MLflow.Tests.Spans;

public sealed class SpanOptionsTests : SpanTestBase
{
    [Fact]
    public void Options_ThatThrow_CostANoteAndNotTheCall()
    {
        using (Tracer.StartSpan("none", SpanType.Unknown, options: new SpanOptions { Attributes = null!, Tags = null!, Metadata = null! }))
        {
        }

        using (Tracer.StartSpan("throws", SpanType.Unknown, options: new SpanOptions { Inputs = "q", Attributes = new ThrowingDictionary(), Tags = { ["k"] = "v" } }))
        {
            Assert.Equal("throws", Tracer.Current?.Name);
        }

        Assert.Null(Tracer.Current);
        Assert.Null(Exporter.Spans[0].GetAttribute(AttributeNames.CaptureNote));
        var span = Exporter.Spans[1];
        Assert.Equal(("q", "HostileException while the options of the span were read"), (span.Inputs?.GetString(), span.GetAttribute(AttributeNames.CaptureNote)?.GetString()));
        Assert.Equal("v", Assert.Single(span.Trace.Tags()).Value);
    }

    private sealed class ThrowingDictionary : IDictionary<string, object?>
    {
        public ICollection<string> Keys => throw new HostileException();

        public ICollection<object?> Values => throw new HostileException();

        public int Count => throw new HostileException();

        public bool IsReadOnly => throw new HostileException();

        public object? this[string key]
        {
            get => throw new HostileException();
            set => throw new HostileException();
        }

        public void Add(string key, object? value) => throw new HostileException();

        public void Add(KeyValuePair<string, object?> item) => throw new HostileException();

        public void Clear() => throw new HostileException();

        public bool Contains(KeyValuePair<string, object?> item) => throw new HostileException();

        public bool ContainsKey(string key) => throw new HostileException();

        public void CopyTo(KeyValuePair<string, object?>[] array, int arrayIndex) => throw new HostileException();

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => throw new HostileException();

        public bool Remove(string key) => throw new HostileException();

        public bool Remove(KeyValuePair<string, object?> item) => throw new HostileException();

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out object? value) => throw new HostileException();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
