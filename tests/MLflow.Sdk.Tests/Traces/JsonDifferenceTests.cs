using System.Text.Json;
using Xunit;

namespace MLflow.Sdk.Tests.Traces;

public sealed class JsonDifferenceTests
{
    [Theory]
    [InlineData("""{"a":1,"b":[true,null]}""", """{ "b": [true, null], "a": 1.0 }""", null)]
    [InlineData("""{"a":[{"b":"x"}]}""", """{"a":[{"b":"y"}]}""", "$.a[0].b: recorded \"x\", sent \"y\"")]
    [InlineData("""{"a":1}""", "{}", "$.a: recorded 1, sent nothing")]
    [InlineData("{}", """{"a":1}""", "$.a: recorded nothing, sent 1")]
    [InlineData("[1]", "[1,2]", "$[1]: recorded nothing, sent 2")]
    [InlineData("[1,2]", "[1]", "$[1]: recorded 2, sent nothing")]
    [InlineData("""{"a":null}""", "{}", "$.a: recorded null, sent nothing")]
    [InlineData("""{"a":{}}""", """{"a":[]}""", "$.a: recorded {}, sent []")]
    public void Find_TwoValues_IsTheFirstDifference(string recorded, string sent, string? expected) =>
        Assert.Equal(expected, JsonDifference.Find(JsonElement.Parse(recorded), JsonElement.Parse(sent)));
}
