;; The colours of a picture, sixteen pixels at a time: I420 (BT.601, limited range) to red, green, blue, 255.
;;
;; Values have 16 bits, six of them behind the point: sums stay in range, for what is too bright saturates and is the brightest
;; in the end. A factor is multiplied as Q15: 19077 is 1.16438 of a value that had seven bits behind the point, the others are
;; those of values that had eight.
(module
  (memory (export "memory") 1)

  ;; Planes at $y, $u and $v, lying close; pixels go to $into. The width is even and at least 16, the height is even.
  (func (export "colour")
    (param $y i32) (param $u i32) (param $v i32) (param $into i32) (param $width i32) (param $height i32)
    (local $at i32) (local $last i32) (local $luma_at i32) (local $pixel_at i32) (local $is_lower i32)
    (local $blue v128) (local $red v128) (local $green v128) (local $luma v128) (local $low v128) (local $high v128)
    (local $red_low v128) (local $red_high v128) (local $green_low v128) (local $green_high v128)
    (local $blue_low v128) (local $blue_high v128)
    (local $red_bytes v128) (local $green_bytes v128) (local $blue_bytes v128)

    (local.set $last (i32.sub (local.get $width) (i32.const 16)))
    (loop $rows
      (local.set $at (i32.const 0))
      (loop $columns
        ;; Eight pairs of columns share their colour, in two rows.
        (local.set $blue
          (i16x8.shl
            (i16x8.sub
              (v128.load8x8_u (i32.add (local.get $u) (i32.shr_u (local.get $at) (i32.const 1))))
              (v128.const i16x8 128 128 128 128 128 128 128 128))
            (i32.const 8)))
        (local.set $red
          (i16x8.shl
            (i16x8.sub
              (v128.load8x8_u (i32.add (local.get $v) (i32.shr_u (local.get $at) (i32.const 1))))
              (v128.const i16x8 128 128 128 128 128 128 128 128))
            (i32.const 8)))
        (local.set $green
          (i16x8.add
            (i16x8.q15mulr_sat_s
              (local.get $blue) (v128.const i16x8 -3209 -3209 -3209 -3209 -3209 -3209 -3209 -3209))
            (i16x8.q15mulr_sat_s
              (local.get $red) (v128.const i16x8 -6660 -6660 -6660 -6660 -6660 -6660 -6660 -6660))))
        (local.set $blue
          (i16x8.q15mulr_sat_s
            (local.get $blue) (v128.const i16x8 16525 16525 16525 16525 16525 16525 16525 16525)))
        (local.set $red
          (i16x8.q15mulr_sat_s
            (local.get $red) (v128.const i16x8 13075 13075 13075 13075 13075 13075 13075 13075)))
        (local.set $red_low
          (i8x16.shuffle 0 1 0 1 2 3 2 3 4 5 4 5 6 7 6 7 (local.get $red) (local.get $red)))
        (local.set $red_high
          (i8x16.shuffle 8 9 8 9 10 11 10 11 12 13 12 13 14 15 14 15 (local.get $red) (local.get $red)))
        (local.set $green_low
          (i8x16.shuffle 0 1 0 1 2 3 2 3 4 5 4 5 6 7 6 7 (local.get $green) (local.get $green)))
        (local.set $green_high
          (i8x16.shuffle 8 9 8 9 10 11 10 11 12 13 12 13 14 15 14 15 (local.get $green) (local.get $green)))
        (local.set $blue_low
          (i8x16.shuffle 0 1 0 1 2 3 2 3 4 5 4 5 6 7 6 7 (local.get $blue) (local.get $blue)))
        (local.set $blue_high
          (i8x16.shuffle 8 9 8 9 10 11 10 11 12 13 12 13 14 15 14 15 (local.get $blue) (local.get $blue)))

        (local.set $luma_at (i32.add (local.get $y) (local.get $at)))
        (local.set $pixel_at (i32.add (local.get $into) (i32.shl (local.get $at) (i32.const 2))))
        (local.set $is_lower (i32.const 0))
        (loop $lines
          ;; Half a step more: what is cut off below is rounded.
          (local.set $luma (v128.load (local.get $luma_at)))
          (local.set $low
            (i16x8.add
              (i16x8.q15mulr_sat_s
                (i16x8.shl
                  (i16x8.sub
                    (i16x8.extend_low_i8x16_u (local.get $luma))
                    (v128.const i16x8 16 16 16 16 16 16 16 16))
                  (i32.const 7))
                (v128.const i16x8 19077 19077 19077 19077 19077 19077 19077 19077))
              (v128.const i16x8 32 32 32 32 32 32 32 32)))
          (local.set $high
            (i16x8.add
              (i16x8.q15mulr_sat_s
                (i16x8.shl
                  (i16x8.sub
                    (i16x8.extend_high_i8x16_u (local.get $luma))
                    (v128.const i16x8 16 16 16 16 16 16 16 16))
                  (i32.const 7))
                (v128.const i16x8 19077 19077 19077 19077 19077 19077 19077 19077))
              (v128.const i16x8 32 32 32 32 32 32 32 32)))
          (local.set $red_bytes
            (i8x16.narrow_i16x8_u
              (i16x8.shr_s (i16x8.add_sat_s (local.get $low) (local.get $red_low)) (i32.const 6))
              (i16x8.shr_s (i16x8.add_sat_s (local.get $high) (local.get $red_high)) (i32.const 6))))
          (local.set $green_bytes
            (i8x16.narrow_i16x8_u
              (i16x8.shr_s (i16x8.add_sat_s (local.get $low) (local.get $green_low)) (i32.const 6))
              (i16x8.shr_s (i16x8.add_sat_s (local.get $high) (local.get $green_high)) (i32.const 6))))
          (local.set $blue_bytes
            (i8x16.narrow_i16x8_u
              (i16x8.shr_s (i16x8.add_sat_s (local.get $low) (local.get $blue_low)) (i32.const 6))
              (i16x8.shr_s (i16x8.add_sat_s (local.get $high) (local.get $blue_high)) (i32.const 6))))

          ;; Red beside green, blue beside 255, and these beside each other.
          (local.set $low
            (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $red_bytes) (local.get $green_bytes)))
          (local.set $high
            (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
              (local.get $blue_bytes) (v128.const i32x4 -1 -1 -1 -1)))
          (v128.store (local.get $pixel_at)
            (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $low) (local.get $high)))
          (v128.store offset=16 (local.get $pixel_at)
            (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $low) (local.get $high)))
          (local.set $low
            (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31
              (local.get $red_bytes) (local.get $green_bytes)))
          (local.set $high
            (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31
              (local.get $blue_bytes) (v128.const i32x4 -1 -1 -1 -1)))
          (v128.store offset=32 (local.get $pixel_at)
            (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $low) (local.get $high)))
          (v128.store offset=48 (local.get $pixel_at)
            (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $low) (local.get $high)))

          (local.set $luma_at (i32.add (local.get $luma_at) (local.get $width)))
          (local.set $pixel_at (i32.add (local.get $pixel_at) (i32.shl (local.get $width) (i32.const 2))))
          (local.set $is_lower (i32.eqz (local.get $is_lower)))
          (br_if $lines (local.get $is_lower)))

        ;; The last sixteen of a row may be some of them a second time.
        (if (i32.lt_u (local.get $at) (local.get $last))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (if (i32.gt_u (local.get $at) (local.get $last)) (then (local.set $at (local.get $last))))
            (br $columns))))

      (local.set $y (i32.add (local.get $y) (i32.shl (local.get $width) (i32.const 1))))
      (local.set $u (i32.add (local.get $u) (i32.shr_u (local.get $width) (i32.const 1))))
      (local.set $v (i32.add (local.get $v) (i32.shr_u (local.get $width) (i32.const 1))))
      (local.set $into (i32.add (local.get $into) (i32.shl (local.get $width) (i32.const 3))))
      (local.set $height (i32.sub (local.get $height) (i32.const 2)))
      (br_if $rows (local.get $height)))))
