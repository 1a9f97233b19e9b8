// A cruncher of your own: Data is a flight's distance in miles, RData the grams of CO2 of one economy seat.
//
// Formula and parameters: "The myclimate Flight Emission Calculator" (myclimate.org), its fuel and
// combustion part. Fuel of a flight of x km is a*x^2 + b*x + c kg; a share of it is freight's (CF), the
// rest is shared by seats (S) with a weight for the cabin class (CW); a kilogram of fuel gives EF kg of
// CO2. Between short and long haul the two are interpolated.

const KM_PER_MILE = 1.609344;
const DETOUR_KM = 95;
const CO2_KG_PER_FUEL_KG = 3.15;
const SHORT = { maxKm: 1500, a: 0, b: 2.714, c: 1166.52, seats: 153.51, freight: 0.07, cabin: 0.96 };
const LONG = { minKm: 2500, a: 0.0001, b: 7.104, c: 5044.93, seats: 280.21, freight: 0.26, cabin: 0.8 };

export const version = "1";

export default function flightEmissions(record) {
  const km = Number(record.Data) * KM_PER_MILE + DETOUR_KM;
  if (km <= SHORT.maxKm) return Math.round(gramsPerSeat(SHORT, km));
  if (km >= LONG.minKm) return Math.round(gramsPerSeat(LONG, km));
  const share = (km - SHORT.maxKm) / (LONG.minKm - SHORT.maxKm);
  return Math.round((1 - share) * gramsPerSeat(SHORT, km) + share * gramsPerSeat(LONG, km));
}

function gramsPerSeat(haul, km) {
  const fuelKg = haul.a * km * km + haul.b * km + haul.c;
  return ((fuelKg * (1 - haul.freight) * haul.cabin) / haul.seats) * CO2_KG_PER_FUEL_KG * 1000;
}
