using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Mcp;
using Xunit;

namespace MLflow.Server.Tests.Mcp;

public sealed class ToolTextTests
{
    [Fact]
    public void Fit_AnyCharacter_TakesNoMoreThanItSays()
    {
        var wrong = new List<string>();
        foreach (var value in Enumerable.Range(0, 0x110000).Where(Rune.IsValid))
        {
            var text = new Rune(value).ToString();
            var bytes = Encoding.UTF8.GetByteCount(ToolText.Visible(JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString()));
            if (ToolText.Fit(text, 0, text.Length, bytes - 1) > 0)
            {
                wrong.Add($"U+{value:X} takes {bytes}");
            }
        }

        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abc", 2, "ab…")]
    [InlineData("a😀b", 12, "a…")]
    [InlineData("a😀b", 13, "a😀…")]
    [InlineData("a\"b", 2, "a…")]
    public void Cut_AtSoManyBytes_LeavesCharactersWhole(string text, int maxBytes, string expected) => Assert.Equal(expected, ToolText.Cut(text, maxBytes));

    [Theory]
    [InlineData("\"a\u200Bb\"", "\"a\\u200Bb\"")]
    [InlineData("\"\U000E0041\"", "\"\\uDB40\\uDC41\"")]
    [InlineData("\"\u202Eevil\"", "\"\\u202Eevil\"")]
    [InlineData("\"東京 é ❤\uFE0F\"", "\"東京 é ❤\uFE0F\"")]
    public void Visible_WhatNobodySees_IsWrittenAsEscapes(string json, string expected) => Assert.Equal(expected, ToolText.Visible(json));
}
