using MLflow.Server.Ui.Formatting;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class SentenceTests
{
    [Theory]
    [InlineData("In {0} {1} for {2}", "In |[a]| |[b]| for |[c]")]
    [InlineData("{2}、{0}", "[c]|、|[a]")]
    [InlineData("none", "none")]
    public void Fill_InAnyOrder_PutsPiecesInTheirPlaces(string sentence, string filled) =>
        Assert.Equal(filled, string.Join('|', Sentence.Fill(sentence, text => text, "[a]", "[b]", "[c]")));

    [Fact]
    public void Fill_BracesInAPiece_StayAsTheyAre() =>
        Assert.Equal("is {1} there", string.Concat(Sentence.Fill("is {0} there", text => text, "{1}", "no")));
}
