using System.Globalization;
using MLflow.Server.Ui.Formatting;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class UsdTests
{
    [Theory]
    [InlineData("0", "$0")]
    [InlineData("0.0000000001", "<$0.000001")]
    [InlineData("0.0000061", "$0.000006")]
    [InlineData("0.0000099", "$0.00001")]
    [InlineData("0.00094", "$0.00094")]
    [InlineData("0.999951", "$1.000")]
    [InlineData("1.2037", "$1.204")]
    [InlineData("37.2", "$37.20")]
    [InlineData("1240.4", "$1,240")]
    public void Usd_OfAnyAmount_IsShortAndNeverNothing(string dollars, string text) =>
        Assert.Equal(text, Figures.Usd(decimal.Parse(dollars, CultureInfo.InvariantCulture)));
}
